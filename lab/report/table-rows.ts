/** Rows of a box's table, in columns as wide as what is in them. */
import stringWidth from 'string-width';
import { describeEndpoint } from '../../src/core/address.ts';
import type { Mapping } from '../../src/core/events.ts';
import { describeDuration } from '../../src/core/time.ts';
import { column, wrap } from './text.ts';

const most = 12;

/** A line each, no wider than `width`; where columns have no room, rows go without them and are wrapped, as lines of one row. */
export function tableRows(mappings: readonly Mapping[], width: number): readonly (readonly string[])[] {
  const cells = mappings.slice(0, most).map(({ protocol, inside, outside, remote, replied, expiresIn }) => [
    `${protocol} ${show(inside, protocol)}`,
    show(outside, protocol),
    show(remote, protocol),
    `${replied ? 'replied' : 'unreplied'}, ${describeDuration((Math.max(0, Math.round(expiresIn / 1000)) * 1000) as Mapping['expiresIn'])} left`,
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(...cells.map((row) => row[i]!.length)));
  const shown = cells.map(([inside, outside, remote, state]) => `${column(inside!, widths[0]!)} ⇄ ${column(outside!, widths[1]!)} ↔ ${column(remote!, widths[2]!)}  ${state!}`);
  const rows = mappings.length > shown.length ? [...shown, `… and ${mappings.length - shown.length} more`] : shown;
  return rows.map((row) => (stringWidth(row) <= width ? [row] : wrap(row.replace(/ +/g, ' '), width - 2).split('\n')));
}

const show = (endpoint: Mapping['inside'], protocol: Mapping['protocol']): string => (protocol === 'esp' || protocol === 'ah' ? endpoint.address : describeEndpoint(endpoint));
