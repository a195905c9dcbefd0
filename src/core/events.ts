/**
 * The vocabulary in which machines tell what happened. Machines emit these; the trace stores them; checks, ladders and reports
 * read them. Everything here is plain data that survives JSON (bytes become hex there).
 */
import type { Endpoint, IpAddress, Prefix } from './address.ts';
import type { DropReason } from './drop.ts';
import type { Duration } from './time.ts';

/** Which side of a NAT box. */
export type Side = 'inside' | 'outside';

/** A packet refused, lost or thrown away; nothing else changed because of it. */
export interface DropEvent {
  readonly kind: 'drop';
  readonly reason: DropReason;
  readonly detail: string;
  /** The bytes as they were refused, as far as they are at hand. */
  readonly bytes?: Uint8Array;
  readonly peer?: Endpoint;
}

// ---- the wire ------------------------------------------------------------------------------------------------------------

/** An IP packet as it passed an interface of a node: the ground truth, the same on every backend. */
export interface PacketEvent {
  readonly kind: 'packet';
  /** The node's interface by its name in the topology's plan: `eth0`. */
  readonly interface: string;
  readonly segment: string;
  readonly direction: 'in' | 'out';
  /** The whole IP packet, header first, no link layer. */
  readonly bytes: Uint8Array;
}

/** A packet that the link itself lost, duplicated or delayed. Simulator only: a real link does not say. */
export interface ImpairmentEvent {
  readonly kind: 'impaired';
  readonly segment: string;
  readonly how: 'lost' | 'duplicated' | 'reordered' | 'down' | 'too-big';
  readonly bytes: Uint8Array;
}

// ---- the NAT box ---------------------------------------------------------------------------------------------------------

export type MappedProtocol = 'udp' | 'tcp' | 'icmp' | 'esp' | 'ah' | 'gre';

/** One row of a box's table. For ICMP the port is the query identifier, for PPTP's GRE the call ID; for ESP and AH it is 0. */
export interface Mapping {
  readonly protocol: MappedProtocol;
  readonly inside: Endpoint;
  readonly outside: Endpoint;
  /** The peer whose traffic made or holds the row, where the box keeps one row a peer; else the first one. */
  readonly remote: Endpoint;
  readonly replied: boolean;
  /** How long it lives if nothing refreshes it. */
  readonly expiresIn: Duration;
}

export type NatEvent =
  | { readonly kind: 'mapping-created'; readonly mapping: Mapping; readonly story: string }
  | { readonly kind: 'mapping-expired'; readonly mapping: Mapping; readonly story: string }
  /** Taken away before its time: flushed, stolen by a newcomer, evicted where there was no room, forgotten at a reboot. */
  | { readonly kind: 'mapping-removed'; readonly mapping: Mapping; readonly why: 'flushed' | 'stolen' | 'evicted' | 'reboot' | 'address-changed'; readonly story: string }
  | { readonly kind: 'nat-control'; readonly control: string; readonly story: string };

// ---- the IKE daemon ------------------------------------------------------------------------------------------------------

/** 8 octets as 16 hex digits. */
export type SpiText = string;

export interface IkeSaName {
  readonly connection: string;
  readonly initiatorSpi: SpiText;
  readonly responderSpi: SpiText;
  readonly role: 'initiator' | 'responder';
}

export type IkeEvent =
  | {
      readonly kind: 'ike-message';
      readonly direction: 'sent' | 'received';
      readonly local: Endpoint;
      readonly peer: Endpoint;
      /** IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL; of IKEv1 main, aggressive, quick, informational, transaction. */
      readonly exchange: string;
      readonly messageId: number;
      /** IKEv1 has no such flag: whoever did not begin the exchange responds, and R-U-THERE-ACK, which is an exchange of its own, is a response. */
      readonly response: boolean;
      readonly initiatorSpi: SpiText;
      readonly responderSpi: SpiText;
      /**
       * In the notation of RFC 7296 §1.2: `HDR, SAi1, KEi, Ni, N(NAT_DETECTION_SOURCE_IP)`; what is inside SK in braces. Of IKEv1 in that of RFC 2409 §3.2:
       * `HDR, KE, Ni, NAT-D, NAT-D`; what is encrypted behind `HDR*`.
       */
      readonly notation: string;
      /** 0 for the first transmission. */
      readonly retransmission: number;
      /** In how many IKE fragments it goes; absent where it is whole (RFC 7383). */
      readonly fragments?: number;
      /** What this step means, one sentence for a learner. */
      readonly story: string;
    }
  | ({ readonly kind: 'ike-sa'; readonly state: 'connecting' | 'established' | 'rekeyed' | 'deleted' | 'failed'; readonly peer: Endpoint; readonly peerIdentity?: string; readonly story: string } & IkeSaName)
  | ({
      readonly kind: 'child-sa';
      readonly state: 'established' | 'rekeyed' | 'deleted' | 'failed';
      /** SPIs as numbers: the one we receive with, the one we send with. */
      readonly spiIn: number;
      readonly spiOut: number;
      /** `udp-non-ike`: behind eight zero octets on port 500 (drafts 00 and 01 of NAT-T). */
      readonly encapsulation: 'none' | 'udp' | 'udp-non-ike';
      /** `10.98.0.1/32 === 10.99.0.0/24` */
      readonly selectors: string;
      readonly story: string;
    } & IkeSaName)
  /** What this side concluded from the peer's NAT_DETECTION notifies (RFC 7296 §2.23), or NAT-D payloads of a version of NAT-T, `rfc-3947`, `draft-02n` (RFC 3947 §3.2). */
  | ({
      readonly kind: 'nat-detection';
      readonly supported: boolean;
      readonly localBehindNat: boolean;
      readonly remoteBehindNat: boolean;
      readonly nattVersion?: string;
      readonly story: string;
    } & IkeSaName)
  /** The IKE SA goes on from another pair of ports. */
  | ({ readonly kind: 'port-float'; readonly from: { readonly local: number; readonly remote: number }; readonly to: { readonly local: number; readonly remote: number }; readonly story: string } & IkeSaName)
  /** The peer is reached at another address or port from now on (RFC 7296 §2.23, dynamic address update). */
  | ({ readonly kind: 'peer-moved'; readonly from: Endpoint; readonly to: Endpoint; readonly by: 'ike' | 'esp'; readonly story: string } & IkeSaName)
  | ({ readonly kind: 'keepalive-sent'; readonly local: Endpoint; readonly peer: Endpoint; readonly story: string } & IkeSaName)
  | ({ readonly kind: 'peer-dead'; readonly peer: Endpoint; readonly story: string } & IkeSaName)
  /** A client has been given an inner address. `networks`: what it reaches from there; everything else it reaches without the tunnel. */
  | ({ readonly kind: 'virtual-address'; readonly address: IpAddress; readonly netmask?: IpAddress; readonly dns: readonly IpAddress[]; readonly networks: readonly Prefix[]; readonly story: string } & IkeSaName)
  /** What a capture needs to be decrypted. Keys as hex. */
  | ({ readonly kind: 'ike-keys'; readonly encryption: string; readonly integrity: string; readonly skEi: string; readonly skEr: string; readonly skAi: string; readonly skAr: string } & IkeSaName)
  /** The same of IKEv1, by the initiator's cookie: one key for both directions. `encryption`: `aes-cbc-128`, `3des-cbc`. */
  | ({ readonly kind: 'isakmp-keys'; readonly encryption: string; readonly encryptionKey: string } & IkeSaName)
  | { readonly kind: 'command-refused'; readonly command: string; readonly why: string };

// ---- the IPsec stack -----------------------------------------------------------------------------------------------------

export type EspEvent =
  | { readonly kind: 'sa-added' | 'sa-updated' | 'sa-deleted' | 'sa-expired'; readonly spi: number; readonly source: IpAddress; readonly destination: IpAddress; readonly encapsulation: 'none' | { readonly local: number; readonly remote: number }; readonly story: string }
  | { readonly kind: 'esp-keys'; readonly spi: number; readonly source: IpAddress; readonly destination: IpAddress; readonly encryption: string; readonly encryptionKey: string; readonly integrity: string; readonly integrityKey: string }
  /**
   * Two peers behind one NAT have SAs that the same policy takes: from now on everything goes to the newer one, `by`, and nothing more to the older,
   * whose peer is reached at another port (RFC 3948 §5.2).
   */
  | { readonly kind: 'sa-eclipsed'; readonly spi: number; readonly by: number; readonly peer: Endpoint; readonly newPeer: Endpoint; readonly story: string }
  /** A valid packet of an SA came from another address or port than the SA has. */
  | { readonly kind: 'esp-new-source'; readonly spi: number; readonly from: Endpoint; readonly to: Endpoint };

/** A PF_KEYv2 message at the seam between daemon and stack. */
export interface PfkeyEvent {
  readonly kind: 'pfkey';
  readonly direction: 'to-stack' | 'to-daemon' | 'to-setkey';
  /** `SADB_ADD`, `SADB_X_SPDADD`, … */
  readonly type: string;
  readonly errno: number;
  readonly bytes: Uint8Array;
}

// ---- what goes through the tunnel ----------------------------------------------------------------------------------------

/** An inner packet at the edge of an endpoint's IPsec stack. */
export interface InnerEvent {
  readonly kind: 'inner';
  /** `protected`: it left through an SA. `delivered`: it came out of one. `bypassed`: policy let it go in the clear. */
  readonly direction: 'protected' | 'delivered' | 'bypassed';
  readonly spi: number;
  readonly bytes: Uint8Array;
}

/** The small programs that use the tunnel. */
export type ProgramEvent =
  | { readonly kind: 'ping-sent'; readonly ping: string; readonly from: IpAddress; readonly to: IpAddress; readonly sequence: number }
  | { readonly kind: 'ping-answered'; readonly ping: string; readonly from: IpAddress; readonly to: IpAddress; readonly sequence: number; readonly roundTrip: Duration }
  | { readonly kind: 'ping-lost'; readonly ping: string; readonly from: IpAddress; readonly to: IpAddress; readonly sequence: number; readonly why: string }
  /** A datagram to an echo service (RFC 862), and what became of it. */
  | { readonly kind: 'udp-echo-sent'; readonly echo: string; readonly from: Endpoint; readonly to: Endpoint; readonly sequence: number }
  | { readonly kind: 'udp-echo-answered'; readonly echo: string; readonly from: Endpoint; readonly to: Endpoint; readonly sequence: number; readonly roundTrip: Duration }
  | { readonly kind: 'udp-echo-lost'; readonly echo: string; readonly from: Endpoint; readonly to: Endpoint; readonly sequence: number; readonly why: string }
  /** A TCP connection to an echo service that carries one text there and back. `roundTrip` is from the first SYN to the whole text. */
  | { readonly kind: 'tcp-probe-sent'; readonly probe: string; readonly from: Endpoint; readonly to: Endpoint }
  | { readonly kind: 'tcp-probe-answered'; readonly probe: string; readonly from: Endpoint; readonly to: Endpoint; readonly roundTrip: Duration }
  | { readonly kind: 'tcp-probe-lost'; readonly probe: string; readonly from: Endpoint; readonly to: Endpoint; readonly why: string }
  /** A request of an L2TP client (RFC 2661), and what became of it: SCCRQ opens a control connection, HELLO asks whether the other side still lives. */
  | { readonly kind: 'l2tp-sent'; readonly l2tp: string; readonly message: 'SCCRQ' | 'HELLO'; readonly from: Endpoint; readonly to: Endpoint }
  | { readonly kind: 'l2tp-answered'; readonly l2tp: string; readonly message: 'SCCRQ' | 'HELLO'; readonly from: Endpoint; readonly to: Endpoint; readonly roundTrip: Duration }
  | { readonly kind: 'l2tp-lost'; readonly l2tp: string; readonly message: 'SCCRQ' | 'HELLO'; readonly from: Endpoint; readonly to: Endpoint; readonly why: string }
  /** An L2TP server hears a request, for the first time or again, and answers to where it came from. `hostName` is who the client says it is. */
  | { readonly kind: 'l2tp-heard'; readonly message: 'SCCRQ' | 'HELLO'; readonly hostName: string; readonly from: Endpoint; readonly to: Endpoint };

// ---- the lesson ----------------------------------------------------------------------------------------------------------

export type ScenarioEvent =
  | { readonly kind: 'act'; readonly act: string; readonly story: string }
  | { readonly kind: 'step'; readonly story: string }
  | { readonly kind: 'wait'; readonly for: string; readonly within: Duration; readonly outcome: 'met' | 'timed out' }
  /** The container that somebody put in place of a host: it runs, its daemon was told to begin and did or did not, it has ended. */
  | { readonly kind: 'image'; readonly state: 'started' | 'begun' | 'not-begun' | 'ended'; readonly story: string }
  /** A box's table as of now, taken by the scenario. */
  | { readonly kind: 'table'; readonly box: string; readonly mappings: readonly Mapping[] };

// ---- the layers ----------------------------------------------------------------------------------------------------------

/** What each layer may say. */
export interface Bodies {
  link: PacketEvent | ImpairmentEvent | DropEvent;
  nat: NatEvent | DropEvent;
  ike: IkeEvent | DropEvent;
  pfkey: PfkeyEvent | DropEvent;
  esp: EspEvent | DropEvent;
  inner: InnerEvent | ProgramEvent | DropEvent;
  scenario: ScenarioEvent;
}

export type Layer = keyof Bodies;

/** A layer with what it has to say: what machines hand out and the log numbers. */
export type Happening = { readonly [L in Layer]: { readonly layer: L; readonly body: Bodies[L] } }[Layer];
