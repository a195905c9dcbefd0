/** What an IKE daemon is told: plain data, made by the topology loader or by a test. */
import type { IpAddress, Prefix } from '../core/address.ts';
import type { Duration } from '../core/time.ts';
import type { DhGroupName, EncryptionName, IntegrityName, PrfName } from '../crypto/transforms.ts';

export interface IkeConfig {
  /** The outer address that packets leave from. */
  readonly address: IpAddress;
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
  readonly type: 'address' | 'fqdn' | 'user-fqdn' | 'key-id';
  readonly value: string;
}

export interface ConnectionConfig {
  readonly name: string;
  /** Where the peer is; `any` for a gateway that waits for clients from anywhere. */
  readonly remote: IpAddress | 'any';
  readonly localIdentity: Identity;
  readonly remoteIdentity: Identity | 'any';
  readonly preSharedKey: string;
  /** RFC 7296 §2.23. Off: no NAT_DETECTION notifies, ports stay where they are. */
  readonly natTraversal: boolean;
  /** The port that the first message leaves from and goes to: 500, or 4500 at once. */
  readonly startPort: 500 | 4500;
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
  readonly proposals: readonly EspProposal[];
  readonly lifetime: ChildLifetime;
}

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
