/** What goes in and out of an endpoint, the same in the simulator and on a real kernel. */
import type { Endpoint, IpAddress, Prefix } from '../core/address.ts';
import type { Happening } from '../core/events.ts';
import type { Duration } from '../core/time.ts';
import type { IkeConfig } from '../ike/config.ts';
import type { IkeCommand } from '../ike/ports.ts';
import type { ChecksumRepair } from '../ipsec/checksum-repair.ts';
import type { System } from '../wire/pfkey/dialect.ts';

export interface EndpointConfig {
  readonly name: string;
  /** Whose PF_KEY daemon and stack speak, and whose encapsulation sockets they have. When not said: Linux' PF_KEY, and sockets by the RFCs. */
  readonly system?: System;
  readonly ike: IkeConfig;
  /** Inner addresses of this host that its programs speak from, where no virtual address is assigned. */
  readonly innerAddress?: IpAddress;
  /** What its stack does with checksums that a NAT has made wrong inside transport mode (RFC 3948 §3.1.2); what its system does, or `adjust`, when not said. */
  readonly checksumRepair?: ChecksumRepair;
  /** Of ESP in UDP. When not said zero over IPv4 (RFC 3948 §2.1) and computed over IPv6, where a receiver takes nothing else (RFC 8200 §8.1). */
  readonly udpChecksum?: 'zero' | 'computed';
}

export type EndpointCommand = IkeCommand | ProgramCommand | SetkeyCommand;

/** Somebody else opens a PF_KEY socket and dumps SAs and policies. The answers come as events, `to-setkey`. */
export interface SetkeyCommand {
  readonly kind: 'setkey';
}

/**
 * The programs speak from the virtual address to what is reached by it, else from the inner one, or the outer one, through whatever policy says: in
 * tunnel mode to addresses behind the peer, in transport mode to the peer's own. With a virtual address what goes out from the outer one goes in the clear.
 */
export type ProgramCommand =
  /** ICMP echo from the inner address through whatever policy says. Answers and losses come as events named `ping`. */
  | { readonly kind: 'ping'; readonly ping: string; readonly to: IpAddress; readonly count: number; readonly interval: Duration; readonly timeout: Duration; readonly size?: number }
  /** Datagrams to an echo service, whose answers must bring the very data back. `port` is 7 when not said, `fromPort` a free one. Events: `udp-echo-…`. */
  | { readonly kind: 'udp-echo'; readonly echo: string; readonly to: IpAddress; readonly port?: number; readonly fromPort?: number; readonly count: number; readonly interval: Duration; readonly timeout: Duration; readonly size?: number }
  /** One TCP connection to an echo service, a text there and back. Events: `tcp-probe-…`. */
  | { readonly kind: 'tcp-probe'; readonly probe: string; readonly to: IpAddress; readonly port?: number; readonly fromPort?: number; readonly timeout: Duration }
  /**
   * L2TP's control connection to a server (RFC 2661), under a name that goes to it as the host name: `open` it from `fromPort`, 1701 when not said, or say
   * `hello` by one that is open. Events named `l2tp`: `l2tp-…`.
   */
  | { readonly kind: 'l2tp'; readonly l2tp: string; readonly request: 'open' | 'hello'; readonly hostName: string; readonly to: IpAddress; readonly fromPort?: number }
  /** Answers on this port too: the echo service (RFC 862), which every host has on port 7, or an L2TP server, which none has unasked. */
  | { readonly kind: 'serve'; readonly protocol: 'udp' | 'tcp' | 'l2tp'; readonly port: number };

export type EndpointInput =
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  | { readonly kind: 'esp'; readonly source: IpAddress; readonly destination: IpAddress; readonly payload: Uint8Array }
  /** A whole IP packet of protocol 51. */
  | { readonly kind: 'ah'; readonly packet: Uint8Array }
  /** A whole IP packet of the host that its routing sends into the tunnel device. */
  | { readonly kind: 'inner'; readonly packet: Uint8Array }
  /** A whole IP packet with an ICMP message for this host, echo requests excepted: those the host answers itself. */
  | { readonly kind: 'icmp'; readonly packet: Uint8Array }
  /** A whole IP packet with TCP, or with UDP for none of the daemon's ports, for this host. */
  | { readonly kind: 'local'; readonly packet: Uint8Array }
  | { readonly kind: 'command'; readonly command: EndpointCommand };

export type EndpointOutput =
  /** `checksum: 'zero'` for ESP in UDP over IPv4 (RFC 3948 §2.1); IKE's is computed. */
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array; readonly checksum: 'computed' | 'zero' }
  | { readonly kind: 'esp'; readonly source: IpAddress; readonly destination: IpAddress; readonly payload: Uint8Array }
  /** A whole IP packet with AH in it, which covers its header: sent as it is, but for what routers may change. */
  | { readonly kind: 'ah'; readonly packet: Uint8Array }
  /** A whole IP packet out of the tunnel, for the host's own IP layer to deliver or forward. */
  | { readonly kind: 'inner'; readonly packet: Uint8Array }
  /** A whole IP packet of this host's own that goes out in the clear: routed as if there were no tunnel device, lest it come back. */
  | { readonly kind: 'bypass'; readonly packet: Uint8Array }
  /** What came as `local` and no program wants. */
  | { readonly kind: 'unclaimed'; readonly packet: Uint8Array }
  /** The tunnel device has this address from now on, or no longer. Programs speak from it to these networks. */
  | { readonly kind: 'virtual-address'; readonly address: IpAddress; readonly networks: readonly Prefix[]; readonly assigned: boolean }
  | ({ readonly kind: 'event' } & Happening);
