/** What fills a box's table: flows of inside hosts that nobody else speaks of. */
import { ip } from '../core/address.ts';
import type { NatBoxConfig } from './behaviour.ts';
import type { Flow } from './flow.ts';
import { numericAddress } from './table.ts';

/** A host of nowhere, and the port where what is sent is thrown away (RFC 5737, RFC 863). */
const remote = { address: numericAddress(ip('192.0.2.1')), port: 9 };
const firstPort = 1024;
const lastPort = 65535;

/**
 * Opens UDP flows, from the last host of the first inside network downwards, each from as many ports as a host may have mappings. It ends with a host that gets
 * none at all, and with as many flows as the table has places: by then a box that evicts has nothing else in it.
 */
export function floodFrom({ behaviour, insidePrefixes }: NatBoxConfig, open: (flow: Flow) => boolean): void {
  const [network] = insidePrefixes;
  if (network === undefined) return;
  const first = numericAddress(network.address);
  const share = behaviour.hostLimit === 'none' ? lastPort - firstPort + 1 : behaviour.hostLimit;
  let left = behaviour.tableSize;
  for (let host = 2 ** (32 - network.length) - 2; host > 0 && left > 0; host--) {
    let opened = 0;
    while (opened < Math.min(share, left) && open({ protocol: 'udp', source: { address: (first + host) | 0, port: firstPort + opened }, destination: remote, phase: 'data' })) opened++;
    if (opened === 0) return;
    left -= opened;
  }
}
