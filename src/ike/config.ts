/** What an IKE daemon is told: plain data, made by the topology loader or by a test. */
import type { IpAddress, Prefix } from '../core/address.ts';
import type { Duration } from '../core/time.ts';
import type { DhGroupName, EncryptionName, IntegrityName, PrfName } from '../crypto/transforms.ts';
import type { System } from '../wire/pfkey/dialect.ts';

export interface IkeConfig {
  /** On which system it runs: whose PF_KEY it speaks, and what it leaves to the stack. Linux when not said. */
  readonly system?: System;
  /** The outer address that packets leave from. */
  readonly address: IpAddress;
  /** Others that a multi-homed host may send from: it cannot tell which, so it sends a source hash for each (RFC 3947 §3.2, RFC 7296 §2.23). */
  readonly otherAddresses?: readonly IpAddress[];
  readonly connections: readonly ConnectionConfig[];
  readonly keepalive: KeepaliveConfig;
  readonly retransmission: RetransmissionConfig;
  /** Silence of the peer after which it is asked whether it lives (RFC 7296 §2.4). */
  readonly deadPeerDetection: Duration | 'off';
  /** How many half-open IKE SAs are borne before a COOKIE is asked for, and before more are ignored (RFC 7296 §2.6). */
  readonly cookieThreshold: number;
  readonly halfOpenLimit: number;
}

export interface KeepaliveConfig {
  /** RFC 3948 §4: 20 s by default; `off` is how one learns what it is good for. */
  readonly interval: Duration | 'off';
}

/** The first wait, how much longer each further one is, and how often a request is sent again before the peer is given up. */
export interface RetransmissionConfig {
  readonly first: Duration;
  readonly factor: number;
  readonly tries: number;
}

export interface Identity {
  /** `dn`: the subject of a certificate, `O=natt-lab, CN=client.example`, root first. */
  readonly type: 'address' | 'fqdn' | 'user-fqdn' | 'key-id' | 'dn';
  readonly value: string;
}

export type Authentication =
  | { readonly method: 'pre-shared-key'; readonly key: string }
  | RsaAuthentication;

/** Certificates as DER, the key as PEM (PKCS #8). */
export interface RsaAuthentication {
  readonly method: 'rsa-signature';
  readonly certificate: Uint8Array;
  readonly privateKey: string;
  /** The peer's certificate must come from one of these. */
  readonly authorities: readonly Uint8Array[];
  /** What the clock on the wall shows when the lab starts, for certificates that expire: milliseconds since 1970-01-01 UTC. */
  readonly wallClock: number;
}

/** Who knows the key is who it says. */
export const preSharedKey = (key: string): Authentication => ({ method: 'pre-shared-key', key });

export type IkeVersionNumber = 'v1' | 'v2';

export interface ConnectionConfig {
  readonly name: string;
  /** The version of IKE that it speaks, with what only that version has. */
  readonly ike: { readonly version: 'v2' } | V1Settings;
  /** Where the peer is; `any` for a gateway that waits for clients from anywhere. */
  readonly remote: IpAddress | 'any';
  readonly localIdentity: Identity;
  readonly remoteIdentity: Identity | 'any';
  readonly authentication: Authentication;
  /** `strict`: an identity that is an address must be the one that the peer's packets come from. `any` when not said. */
  readonly addressIdentity?: 'any' | 'strict';
  /** RFC 3947, RFC 7296 §2.23. Off: no NAT detection, ports stay where they are. */
  readonly natTraversal: boolean;
  /** `forced`: the source hash is made not to fit, so that ESP goes in UDP though there is no NAT. `as-detected` when not said. */
  readonly encapsulation?: 'as-detected' | 'forced';
  /** 500: what comes from another source port than 500 is not answered, as daemons did before NAT-T. `any` when not said. */
  readonly peerPort?: 'any' | 500;
  /** The port that the first message leaves from and goes to: 500, or 4500 at once. */
  readonly startPort: 500 | 4500;
  /**
   * IKE's own fragments (RFC 7383; of IKEv1 those of Cisco and Windows), where the peer takes them too: `true` for datagrams of 576 octets over IPv4 and 1280 over IPv6, or how many octets
   * an IP datagram may have. `false` when not said.
   */
  readonly fragmentation?: boolean | number;
  readonly proposals: readonly IkeProposal[];
  readonly rekeyIkeAfter: Duration | 'never';
  /** A client asks the gateway for an inner address (configuration payload); a gateway gives them out of its pool. */
  readonly virtualAddress: 'none' | 'request' | { readonly pool: Prefix };
  readonly child: ChildConfig;
  /** The policies stand from the start, and the first packet that meets one starts the negotiation. With a fixed remote and no virtual address only. */
  readonly onDemand?: boolean;
  /** An initiator whom nobody answers gives up after all retransmissions, or begins anew for ever, as road warriors are configured. `once` when not said. */
  readonly keyingTries?: 'once' | 'forever';
}

/** What a client may be given beside its inner address. Without `networks` it keeps to what it wanted to reach anyway. */
export interface Gifts {
  readonly netmask?: IpAddress;
  readonly dns?: readonly IpAddress[];
  readonly networks?: readonly Prefix[];
}

/** What only IKEv1 has (RFC 2409). */
export interface V1Settings {
  readonly version: 'v1';
  readonly exchange: 'main' | 'aggressive';
  /** The versions of NAT-T that are announced, the best first, and those that are taken when the peer announces them. */
  readonly natt: { readonly offers: readonly NattVersion[]; readonly accepts: readonly NattVersion[] };
  /** Whether transport mode behind a NAT says the original addresses (RFC 3947 §5.2). */
  readonly natOriginalAddress: 'sent' | 'withheld';
  /** In transport mode the initiator of quick mode calls itself by its address, as when not said, or by its name of phase 1, as Windows does behind a NAT. */
  readonly quickModeIdentity?: 'address' | 'name';
  /** The responder of quick mode sets the commit bit and ends with CONNECTED, as Windows does (RFC 2408 §3.1). */
  readonly commitBit: boolean;
  /** The gateway asks for a name and a password after phase 1 (draft-ietf-ipsec-isakmp-xauth-06); `none` when not said. */
  readonly xauth?: 'none' | { readonly user: string; readonly password: string } | { readonly users: Readonly<Record<string, string>> };
  /** Who begins with Mode Config: the client asks (`pull`, when not said), or the gateway gives unasked. */
  readonly modeConfig?: 'pull' | 'push';
  /** What Mode Config gives beside the inner address. */
  readonly gifts?: Gifts;
  /** Vendor IDs that are sent besides, so that one looks like another. */
  readonly vendorIds?: readonly Uint8Array[];
}

/** The versions of NAT-T by their drafts; `draft-02n` is the second draft's name hashed with a newline behind it. */
export const nattVersions = ['rfc-3947', 'draft-08', 'draft-07', 'draft-06', 'draft-05', 'draft-04', 'draft-03', 'draft-02n', 'draft-02', 'draft-01', 'draft-00'] as const;
export type NattVersion = (typeof nattVersions)[number];

/** IKEv1 has no AEAD here, and takes `prf` for its hash and `integrity` for nothing in phase 1. */
export interface IkeProposal {
  /** AES without `bits` is AES-128. */
  readonly encryption: readonly { readonly name: EncryptionName; readonly bits?: 128 | 256 }[];
  readonly integrity: readonly IntegrityName[]; // empty with AEADs
  readonly prf: readonly PrfName[];
  readonly groups: readonly DhGroupName[]; // the first is the one tried first
}

export interface ChildConfig {
  /** Inner traffic at this end and at the far one. `dynamic`: the virtual address, or the outer one. */
  readonly local: readonly (Prefix | 'dynamic')[];
  readonly remote: readonly (Prefix | 'dynamic')[];
  /** Only this protocol, between these ports: 17 with 1701 and 1701 is L2TP. Port 0 is any; all traffic when not said. */
  readonly upperLayer?: { readonly protocol: number; readonly localPort: number; readonly remotePort: number };
  /** `tunnel` when not said. */
  readonly mode?: ChildMode;
  /** `esp` when not said. AH takes of the proposals what is not encryption. */
  readonly protocol?: ChildProtocol;
  readonly proposals: readonly EspProposal[];
  readonly lifetime: ChildLifetime;
}

export type ChildMode = 'tunnel' | 'transport';
export type ChildProtocol = 'esp' | 'ah';

export interface EspProposal {
  readonly encryption: readonly { readonly name: EncryptionName; readonly bits?: 128 | 256 }[];
  readonly integrity: readonly IntegrityName[];
  /** Groups for perfect forward secrecy at a rekey; empty for none. */
  readonly groups: readonly DhGroupName[];
  readonly extendedSequenceNumbers: boolean;
}

/** Soft limits start a rekey; the SA dies at the hard ones. */
export interface ChildLifetime {
  readonly softTime: Duration | 'never';
  readonly hardTime: Duration | 'never';
  readonly softPackets: number | 'never';
  readonly hardPackets: number | 'never';
}
