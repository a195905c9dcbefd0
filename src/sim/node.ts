import type { IpAddress } from '../core/address.ts';
import type { Happening } from '../core/events.ts';
import type { EndpointCommand } from '../host/ports.ts';
import type { NatControl } from '../nat/behaviour.ts';
import type { Station } from './segment.ts';

/** What goes in and out of a node of the world, whatever its role. */
export type NodeInput =
  | { readonly kind: 'packet'; readonly interface: string; readonly packet: Uint8Array }
  | { readonly kind: 'command'; readonly command: EndpointCommand }
  | { readonly kind: 'control'; readonly control: NatControl };

export type NodeOutput =
  /** A packet out of an interface to a neighbour on its segment. */
  | { readonly kind: 'transmit'; readonly interface: string; readonly to: Station; readonly packet: Uint8Array }
  /** The interface answers for this address from now on, or no longer. */
  | { readonly kind: 'address'; readonly interface: string; readonly address: IpAddress; readonly assigned: boolean }
  | ({ readonly kind: 'event' } & Happening);
