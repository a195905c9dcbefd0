/** Whether the box can remember one thing more, and what it forgets for that (RFC 6888 REQ-4). */
import { ipv4FromNumber } from '../core/address.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import type { NatBehaviour } from './behaviour.ts';
import type { MappingTable, Row } from './table.ts';

type Limits = Pick<NatBehaviour, 'tableSize' | 'hostLimit' | 'whenFull'>;

/** Room for another mapping of an inside host: the rows that must make it. */
export function roomFor(table: MappingTable, limits: Limits, box: string, host: number): Decoded<readonly Row[]> {
  const own = table.ofHost(host);
  if (limits.hostLimit === 'none' || own.size < limits.hostLimit) return roomInTable(table, limits, box);
  const [oldest] = own;
  if (limits.whenFull === 'evict-oldest' && oldest) return decoded([oldest]);
  return refused('nat-host-limit', `${ipv4FromNumber(host)} has as many mappings as ${box} grants one host: ${limits.hostLimit}`);
}

/** Room for another entry of any kind; `keep` is not to make it. */
export function roomInTable(table: MappingTable, { tableSize, whenFull }: Limits, box: string, keep?: Row): Decoded<readonly Row[]> {
  if (table.size < tableSize) return decoded(none);
  if (whenFull === 'evict-oldest') for (const row of table.rows()) if (row !== keep) return decoded([row]);
  return refused('nat-no-port', `the table of ${box} is full: ${tableSize} entries`);
}

const none: readonly Row[] = [];
