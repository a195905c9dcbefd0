/** What goes in and out of an endpoint, the same in the simulator and on a real kernel. */
import type { Endpoint, IpAddress } from '../core/address.ts';
import type { Happening } from '../core/events.ts';
import type { Duration } from '../core/time.ts';
import type { IkeConfig } from '../ike/config.ts';
import type { IkeCommand } from '../ike/ports.ts';

export interface EndpointConfig {
  readonly name: string;
  readonly ike: IkeConfig;
  /** Inner addresses of this host that its programs speak from, where no virtual address is assigned. */
  readonly innerAddress?: IpAddress;
}

export type EndpointCommand =
  | IkeCommand
  /** ICMP echo from the inner address through whatever policy says. Answers and losses come as events named `ping`. */
  | { readonly kind: 'ping'; readonly ping: string; readonly to: IpAddress; readonly count: number; readonly interval: Duration; readonly timeout: Duration; readonly size?: number };

export type EndpointInput =
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array }
  | { readonly kind: 'esp'; readonly source: IpAddress; readonly destination: IpAddress; readonly payload: Uint8Array }
  /** A whole IP packet of the host that its routing sends into the tunnel device. */
  | { readonly kind: 'inner'; readonly packet: Uint8Array }
  /** A whole IP packet with an ICMP message for this host, echo requests excepted: those the host answers itself. */
  | { readonly kind: 'icmp'; readonly packet: Uint8Array }
  | { readonly kind: 'command'; readonly command: EndpointCommand };

export type EndpointOutput =
  /** `checksum: 'zero'` for ESP in UDP (RFC 3948 §2.1); IKE's is computed. */
  | { readonly kind: 'datagram'; readonly local: Endpoint; readonly peer: Endpoint; readonly payload: Uint8Array; readonly checksum: 'computed' | 'zero' }
  | { readonly kind: 'esp'; readonly source: IpAddress; readonly destination: IpAddress; readonly payload: Uint8Array }
  /** A whole IP packet out of the tunnel, for the host's own IP layer to deliver or forward. */
  | { readonly kind: 'inner'; readonly packet: Uint8Array }
  /** A whole IP packet of this host's own that goes out in the clear: routed as if there were no tunnel device, lest it come back. */
  | { readonly kind: 'bypass'; readonly packet: Uint8Array }
  /** The tunnel device has this address from now on, or no longer. */
  | { readonly kind: 'virtual-address'; readonly address: IpAddress; readonly assigned: boolean }
  | ({ readonly kind: 'event' } & Happening);
