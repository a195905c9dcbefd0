/** What only IPsec meets: source ports that a box refuses to translate, and ESP, which has none (RFC 3715 §2.1). */
import type { MappedProtocol } from '../core/events.ts';
import type { NatBehaviour, PinnedPorts } from './behaviour.ts';
import { sameInside, type MappingTable, type NumericEndpoint, type Row } from './table.ts';

export const isPinned = (pinned: PinnedPorts, protocol: MappedProtocol, port: number): boolean => protocol === 'udp' && pinned.ports.includes(port);

/** Whose rows stand in the way of `inside` at an outside port that cannot be another one. */
export function holdersOfPinnedPort(table: MappingTable, scope: PinnedPorts['scope'], outside: NumericEndpoint, inside: NumericEndpoint, remote: NumericEndpoint): Row[] {
  switch (scope) {
    case 'whole-box':
      return othersAt(table, 'udp', outside, inside);
    case 'per-server':
      return holderFor(table, 'udp', outside, remote);
  }
}

/** Whose rows stand in the way of raw ESP from `inside`: its SPIs do not say which client an answer is for. */
export function holdersOfEsp(table: MappingTable, esp: Exclude<NatBehaviour['esp'], 'blocked'>, outside: NumericEndpoint, inside: NumericEndpoint, remote: NumericEndpoint): Row[] {
  switch (esp) {
    case 'one-client':
      return othersAt(table, 'esp', outside, inside);
    case 'one-per-server':
      return holderFor(table, 'esp', outside, remote);
  }
}

const othersAt = (table: MappingTable, protocol: MappedProtocol, outside: NumericEndpoint, inside: NumericEndpoint): Row[] =>
  Array.from(table.at(protocol, outside)).filter((row) => !sameInside(row, inside));

function holderFor(table: MappingTable, protocol: MappedProtocol, outside: NumericEndpoint, remote: NumericEndpoint): Row[] {
  const holder = table.fromOutside(protocol, outside, remote);
  return holder ? [holder] : [];
}
