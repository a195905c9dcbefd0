import type { Endpoint, IpAddress, Prefix } from '../core/address.ts';
import type { NatEvent, DropEvent, Side } from '../core/events.ts';
import type { Duration } from '../core/time.ts';

/** RFC 4787 §4.1, §5: what of the remote endpoint a mapping, or a filter, depends on. */
export type Dependence = 'endpoint-independent' | 'address-dependent' | 'address-and-port-dependent';

/**
 * How a NAPT box behaves, as data. The vocabulary is RFC 4787's; below the line stands what only IPsec meets.
 * An engine that cannot honour a knob refuses it by name when the topology is loaded.
 */
export interface NatBehaviour {
  readonly mapping: Dependence;
  readonly filtering: Dependence;
  readonly pool: AddressPool;
  readonly ports: PortAssignment;
  readonly timeouts: NatTimeouts;
  /** Which traffic keeps a mapping alive (RFC 4787 §4.3). */
  readonly refresh: 'outbound' | 'inbound' | 'both';
  /**
   * RFC 4787 §6: packets from inside to an outside address of the box itself turn around. The receiver sees them come from the sender's outside
   * endpoint (REQ-9a), or from its inside one, and then answers past the box to somebody who did not ask.
   */
  readonly hairpinning: false | 'external-source' | 'internal-source';
  /**
   * What becomes of fragments (RFC 4787 §11): put together before translation, as Linux does; let go on as they are, each where the first one went, in
   * whatever order they come; only the first one, which has the ports; or none.
   */
  readonly fragments: 'reassemble' | 'follow' | 'first-only' | 'drop';
  /** A UDP checksum of zero: left alone (RFC 3948 §2.1), computed, or, by boxes that take it for a sum, adjusted until it is wrong. */
  readonly zeroChecksum: 'kept' | 'computed' | 'adjusted';
  /** ICMP errors about what was translated: with the packet that they quote (RFC 5508 REQ-4, REQ-5), only their own addresses, or not at all. */
  readonly icmpErrors: 'translated' | 'outer-only' | 'dropped';
  /** Whether inside hosts are told that they get no mapping (RFC 5508 REQ-8: ICMP unreachable, code 13). */
  readonly refusals: 'silent' | 'icmp';
  readonly tcp: TcpHandling;

  /** "VPN passthrough": source ports that the box refuses to translate. */
  readonly pinned: PinnedPorts;
  /** Raw ESP (protocol 50), which has no ports to translate. It comes back in from the server it was sent to, whatever `filtering` says. */
  readonly esp: WithoutPorts;
  /** AH (protocol 51) the same way. It arrives, and is refused there: its checksum covers the addresses (RFC 3715 §2.1 a). */
  readonly ah: WithoutPorts;
  /** What an "IPsec helper" takes out of IKE messages on port 500, in both directions. */
  readonly helpers: readonly IpsecHelp[];
  /** "L2TP passthrough": switched off, nothing goes out to UDP 1701. */
  readonly l2tp: 'passed' | 'blocked';
  /** "PPTP passthrough": GRE told apart by the call IDs that the control connection names; `untracked`, only that connection passes; `blocked`, neither. */
  readonly pptp: 'by-call-id' | 'untracked' | 'blocked';
  /** UDP destination ports that the box does not let out. */
  readonly blockedUdpPorts: readonly number[];
  /** How much the box remembers: mappings and, where one mapping serves several remotes, each remote that may answer. */
  readonly tableSize: number;
  /** How many mappings one inside host may have (RFC 6888 REQ-4). */
  readonly hostLimit: number | 'none';
  /** What becomes of a new mapping that finds the table, or the host's share of it, full: nothing, or the oldest there makes room. */
  readonly whenFull: 'refuse' | 'evict-oldest';
  /**
   * What becomes of the mappings at an outside address that goes: nothing remains; or the box does not notice, and what is sent keeps them alive, leaves from the old
   * address, and is never answered.
   */
  readonly whenAddressChanges: 'forget' | 'keep';
}

/** The outside addresses that inside hosts share (RFC 4787 §4.1). */
export interface AddressPool {
  /** How many such a box has, where the topology does not say. */
  readonly addresses: number;
  /** `paired` (REQ-2): all mappings of an inside host have one outside address. `arbitrary`: each new mapping has the next one. */
  readonly pooling: 'paired' | 'arbitrary';
  /** UDP to these remote ports leaves by the address of this place in the pool, from 0 on: 500 and 4500 out by two lines, say. */
  readonly byRemotePort: Readonly<Record<number, number>>;
}

export interface PortAssignment {
  readonly assignment: 'preserve' | 'sequential' | 'random';
  /** Where new ports come from, both ends included. */
  readonly range: readonly [first: number, last: number];
  /**
   * Keep well-known source ports apart from the rest (RFC 4787 REQ-3a), as Linux does: a new port for one below 512 is 1–511, for one of
   * 512–1023 it is 600–1023. `range` is for the others then.
   */
  readonly keepLowApart: boolean;
  /**
   * Whether an outside port may serve two inside endpoints at once. `false`: it belongs to one (RFC 4787 REQ-3).
   * `per-remote`: it may, as long as they talk to different remote endpoints (port overloading, as Linux does). Such a box keeps one
   * row a flow, each with a timer of its own; `mapping` then says for which remotes a new flow takes over the port of an older one, if it is free.
   */
  readonly overloading: false | 'per-remote';
  /** RFC 4787 §4.2.2: a new port is even where the inside one is even, odd where it is odd, as long as there are such. */
  readonly parity: 'any' | 'preserve';
  /** RFC 4787 §4.2.3: the ports of an even inside port and the odd one above it stay neighbours, where the neighbour is free. */
  readonly contiguous: boolean;
  /** Ports are handed out to hosts by the block, as carriers do (RFC 6888, RFC 7422): whole blocks of `range`, and every port of a host is from its own. */
  readonly blocks: false | PortBlocks;
  /**
   * When the preserved port is taken: another one, nothing at all, or, from then on, another one for each destination. That last box is not
   * deterministic (RFC 4787 §8): a cone to the first client, symmetric to the second.
   */
  readonly onConflict: 'another-port' | 'refuse' | 'turn-symmetric';
}

export interface PortBlocks {
  /** Ports in a block. */
  readonly size: number;
  /** How many blocks a host may have at once. They are given back with the last of its mappings. */
  readonly perHost: number;
}

export interface TcpHandling {
  /** A SYN from outside that nobody waits for: dropped, answered with a reset, or after 6 s, unless one came from inside by then, with an ICMP error (RFC 5382 REQ-4). */
  readonly unsolicitedSyn: 'dropped' | 'reset' | 'icmp-after-6-s';
  /** A segment from inside of a connection whose beginning the box did not see, or has forgotten: it makes a mapping, as in Linux, or it ends here. */
  readonly midStream: 'adopted' | 'dropped';
}

export interface NatTimeouts {
  /** Until the first answer, which itself still renews it by this much (as in Linux). */
  readonly unreplied: Duration;
  /** From the first packet after the answer on. */
  readonly replied: Duration;
  /** `replied` holds only for flows older than this (Linux: 2 s). */
  readonly repliedAfter: Duration;
  /** Shorter or longer for some remote UDP ports, replied or not (RFC 4787 REQ-5 allows it for 0–1023). */
  readonly byRemotePort: Readonly<Record<number, Duration>>;
  readonly icmp: Duration;
  /** Raw ESP, AH and GRE. */
  readonly esp: Duration;
  readonly tcpEstablished: Duration;
  readonly tcpTransitory: Duration;
}

/**
 * What becomes of a protocol that has no ports: nothing; one client at a time; one for each server; or as many as there are, what comes in being told apart
 * by SPIs that the box learned (the rule is in `crowd.ts`).
 */
export type WithoutPorts = 'blocked' | 'one-client' | 'one-per-server' | 'by-spi';

/** The vendor IDs of NAT traversal, without which IKEv1 does not speak of it (RFC 3947 §3.1); IKEv2's NAT_DETECTION notifies (RFC 7296 §2.23). */
export type IpsecHelp = 'strip-vendor-ids' | 'strip-nat-detection';

export interface PinnedPorts {
  readonly ports: readonly number[];
  /** A second client that wants a pinned port: refused, it takes the first one's mapping away, or both have it, told apart by IKE's SPIs (see `crowd.ts`). */
  readonly onConflict: 'refuse' | 'steal' | 'share-by-cookie';
  /** Of clients that share: where a message from the server goes that bears an initiator SPI which none of them has sent, as after a rekey that the server began. */
  readonly unknownCookie: 'dropped' | 'to-last-speaker';
  /** Whether two clients of different servers are in each other's way. A pinned port has a row for each remote endpoint, which is all that tells clients apart. */
  readonly scope: 'per-server' | 'whole-box';
}

/** A named behaviour with where one meets it, what of it somebody else says, and what is ours. */
export interface NatPreset {
  readonly name: string;
  readonly title: string;
  /** Where such boxes are met. */
  readonly met: string;
  /** What is known of them, and from where: an RFC, a manual, a measurement. */
  readonly sources: readonly { readonly says: string; readonly where: string }[];
  /** What nobody has said, and is as we think it is. */
  readonly modelled: string;
  /** Where it is another kind of translator than a NAPT box: between which prefixes, the topology says. */
  readonly ipv6?: Ipv6Translation['kind'];
  readonly behaviour: NatBehaviour;
}

/** A port of the box's outside that leads to a host inside ("port forwarding"). ESP has no port. */
export type PortForward =
  | { readonly protocol: 'udp' | 'tcp'; readonly port: number; readonly to: Endpoint }
  | { readonly protocol: 'esp'; readonly to: IpAddress };

export interface NatBoxConfig {
  readonly name: string;
  readonly behaviour: NatBehaviour;
  /** The addresses that inside hosts share, as `behaviour.pool` says; forwarded ports are open on all. */
  readonly outsideAddresses: readonly IpAddress[];
  /** What is translated on the way out; other sources are dropped. */
  readonly insidePrefixes: readonly Prefix[];
  readonly forwards: readonly PortForward[];
  /** Where it is another kind of translator than a NAPT box between IPv4 networks. */
  readonly ipv6?: Ipv6Translation;
}

/** What becomes of IPv6: IPv4, behind the addresses that the box shares (RFC 6146), its hosts those of `insidePrefixes`; or the same with another prefix, without a table (RFC 6296). */
export type Ipv6Translation =
  | { readonly kind: 'nat64'; /** In front of the IPv4 addresses of servers. */ readonly pref64: Prefix; /** Of the links on either side, which ICMP errors that tell an MTU are held to. */ readonly mtu?: { readonly inside: number; readonly outside: number } }
  | { readonly kind: 'nptv6'; /** Of one length, 64 bits at the most. */ readonly inside: Prefix; readonly outside: Prefix };

export type NatControl =
  | { readonly kind: 'flush' }
  | { readonly kind: 'reboot' }
  /** The first outside address is another one: what becomes of the mappings is the behaviour's `whenAddressChanges`. */
  | { readonly kind: 'change-address'; readonly address: IpAddress }
  /** Other inside hosts open flows until the table, or what else limits them, is full. */
  | { readonly kind: 'fill' };

export type NatInput =
  | { readonly kind: 'packet'; readonly from: Side; /** A whole IPv4 packet. The box may rewrite these bytes in place and hand them on. */ readonly packet: Uint8Array }
  | { readonly kind: 'control'; readonly control: NatControl };

export type NatOutput =
  | { readonly kind: 'forward'; readonly to: Side; readonly packet: Uint8Array }
  | { readonly kind: 'event'; readonly event: NatEvent | DropEvent };
