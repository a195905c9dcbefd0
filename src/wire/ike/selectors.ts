/** The Traffic Selector substructure (RFC 7296 §3.13.1). */
import { addressBytes, addressFromBytes, isIpv4 } from '../../core/address.ts';
import type { Writer } from '../../core/bytes.ts';
import type { Fields } from './fields.ts';
import type { TrafficSelector } from './message.ts';

/** TS Type with the length of its addresses. */
const ipv4AddressRange = 7;
const addressLengths: Readonly<Record<number, number>> = { 7: 4, 8: 16 };

/**
 * RFC 7296 §3.13.1
 * ```
 *   TS Type (8)     | IP Protocol ID (8) | Selector Length (16)
 *   Start Port (16) | End Port (16)
 *   Starting Address, Ending Address
 * ```
 * A selector of another type (Fibre Channel, security labels) is left out: what is not offered cannot be chosen.
 */
export function readSelectors(body: Fields, count: number): readonly TrafficSelector[] {
  const selectors: TrafficSelector[] = [];
  for (let i = 1; i <= count; i++) {
    const type = body.u8('TS Type');
    const protocol = body.u8('IP Protocol ID');
    const selector = body.inner(`selector ${i}`, body.u16('Selector Length') - 4);
    const length = addressLengths[type];
    if (length === undefined) continue;
    selectors.push({
      protocol,
      startPort: selector.u16('Start Port'),
      endPort: selector.u16('End Port'),
      startAddress: addressFromBytes(selector.bytes('Starting Address', length)),
      endAddress: addressFromBytes(selector.bytes('Ending Address', length)),
    });
    selector.end();
  }
  return selectors;
}

export function writeSelectors(out: Writer, selectors: readonly TrafficSelector[]): void {
  for (const { protocol, startPort, endPort, startAddress, endAddress } of selectors) {
    const [start, end] = [addressBytes(startAddress), addressBytes(endAddress)];
    if (start.length !== end.length) throw new TypeError(`a selector from ${startAddress} to ${endAddress}`);
    out.u8(isIpv4(startAddress) ? ipv4AddressRange : 8).u8(protocol).u16(8 + 2 * start.length);
    out.u16(startPort).u16(endPort).bytes(start).bytes(end);
  }
}
