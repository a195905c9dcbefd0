import { addressBytes, type IpAddress, type Prefix } from '../core/address.ts';

/** Where a packet goes: out of an interface, to a next hop there or, without one, to its destination itself. */
export interface Route {
  readonly to: Prefix;
  readonly interface: string;
  readonly via?: IpAddress;
}

/** Longest prefix first (RFC 1812 §5.2.4.3); among equals the one that was added last. */
export class RoutingTable {
  readonly #rows: { readonly route: Route; readonly network: Uint8Array }[] = [];

  add(route: Route): void {
    const place = this.#rows.findIndex((row) => row.route.to.length <= route.to.length);
    this.#rows.splice(place === -1 ? this.#rows.length : place, 0, { route, network: addressBytes(route.to.address) });
  }

  /** `except`: as if this interface had no routes. */
  lookup(destination: IpAddress, except?: string): Route | undefined {
    const address = addressBytes(destination);
    return this.#rows.find(({ route, network }) => route.interface !== except && matches(address, network, route.to.length))?.route;
  }
}

function matches(address: Uint8Array, network: Uint8Array, length: number): boolean {
  if (address.length !== network.length) return false;
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== network[i]) return false;
  const rest = length & 7;
  return rest === 0 || (address[whole]! ^ network[whole]!) >> (8 - rest) === 0;
}
