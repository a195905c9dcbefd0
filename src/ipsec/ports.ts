/** What goes in and out of an IPsec stack: what a kernel would see. */
import type { Endpoint, IpAddress } from '../core/address.ts';
import type { ChecksumTrust } from './checksum-repair.ts';
import type { DropEvent, EspEvent, InnerEvent } from '../core/events.ts';

export type StackInput =
  /** A whole PF_KEY message from the daemon. */
  | { readonly kind: 'pfkey'; readonly message: Uint8Array }
  /** setsockopt(UDP_ENCAP) on the socket bound to this port, ESPINUDP when not said: from now on its datagrams come here first. */
  | { readonly kind: 'udp-encap'; readonly port: number; readonly option?: 'espinudp' | 'non-ike' }
  /** A datagram on any UDP socket of the daemon's. On a socket without UDP_ENCAP it goes straight up. */
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  /** What the daemon sends by one of its sockets. */
  | { readonly kind: 'datagram-down'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  /** The payload of an IP packet of protocol 50. */
  | { readonly kind: 'esp'; readonly source: IpAddress; readonly destination: IpAddress; readonly payload: Uint8Array }
  /** A whole IP packet of protocol 51, its header as it arrived: AH covers that too. */
  | { readonly kind: 'ah'; readonly packet: Uint8Array }
  /** A whole inner IP packet on its way out: protect, bypass or discard, as the SPD says. */
  | { readonly kind: 'outbound'; readonly packet: Uint8Array };

export type StackOutput =
  | { readonly kind: 'pfkey'; readonly message: Uint8Array }
  /** What came as `datagram-down`, as it leaves: behind a marker where the system's stack puts it there. */
  | { readonly kind: 'datagram-down'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  /** For the daemon: IKE, its non-ESP marker still in front on an encapsulation socket, unless the system's stack takes it off. */
  | { readonly kind: 'datagram-up'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  /** ESP in UDP, or a keepalive, to be sent with a zero UDP checksum (RFC 3948 §2.1). */
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  /** ESP over IP, protocol 50. */
  | { readonly kind: 'esp'; readonly source: IpAddress; readonly destination: IpAddress; readonly payload: Uint8Array }
  /** A whole IP packet with AH in it, to be sent as it is. */
  | { readonly kind: 'ah'; readonly packet: Uint8Array }
  /** A whole inner packet that came out of an SA and fits its selectors. In transport mode it is for this host itself; `checksum`: that of TCP or UDP in it. */
  | { readonly kind: 'inbound'; readonly packet: Uint8Array; readonly mode: 'tunnel' | 'transport'; readonly checksum: ChecksumTrust }
  /** A packet that policy lets go in the clear. */
  | { readonly kind: 'bypass'; readonly packet: Uint8Array }
  | { readonly kind: 'event'; readonly event: EspEvent | DropEvent | InnerEvent };
