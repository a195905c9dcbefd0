/** What goes in and out of an IKE daemon: datagrams of its UDP sockets, PF_KEY messages, commands. */
import type { Endpoint, IpAddress, Prefix } from '../core/address.ts';
import type { DropEvent, IkeEvent } from '../core/events.ts';

export type IkeCommand =
  | { readonly kind: 'initiate'; readonly connection: string }
  /** Ends the IKE SAs of a connection, children included, with a DELETE to each peer. `peerIdentity` narrows it to one client of a gateway. */
  | { readonly kind: 'terminate'; readonly connection: string; readonly peerIdentity?: string }
  | { readonly kind: 'rekey'; readonly connection: string; readonly what: 'ike' | 'child'; readonly peerIdentity?: string }
  /** An empty INFORMATIONAL request: does the peer live? */
  | { readonly kind: 'probe'; readonly connection: string; readonly peerIdentity?: string };

export type IkeInput =
  /** As it arrived on the daemon's socket; on port 4500 the non-ESP marker is still in front, unless the system's stack takes it off. */
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  /** A whole PF_KEY message from the stack. */
  | { readonly kind: 'pfkey'; readonly message: Uint8Array }
  | { readonly kind: 'command'; readonly command: IkeCommand };

export type IkeOutput =
  /** Payload with the marker where the port wants one and the system's stack does not put it there. One octet 0xFF is a keepalive. */
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  | { readonly kind: 'pfkey'; readonly message: Uint8Array }
  /** setsockopt(UDP_ENCAP) on the socket bound to this port; `non-ike` for drafts 00 and 01, which have ESP behind eight zero octets on port 500. */
  | { readonly kind: 'udp-encap'; readonly port: number; readonly option?: 'espinudp' | 'non-ike' }
  /** The gateway gave this side an inner address (configuration payload): the host configures it, and reaches these networks from there. */
  | { readonly kind: 'virtual-address'; readonly address: IpAddress; readonly networks: readonly Prefix[]; readonly assigned: boolean }
  | { readonly kind: 'event'; readonly event: IkeEvent | DropEvent };
