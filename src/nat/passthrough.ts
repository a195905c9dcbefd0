/** What only IPsec meets: source ports that a box refuses to translate, and ESP, which has none (RFC 3715 §2.1). */
import type { MappedProtocol } from '../core/events.ts';
import type { NatBehaviour, PinnedPorts, WithoutPorts } from './behaviour.ts';
import { sameInside, type MappingTable, type NumericEndpoint, type Row } from './table.ts';

export const isPinned = (pinned: PinnedPorts, protocol: MappedProtocol, port: number): boolean => protocol === 'udp' && pinned.ports.includes(port);

const l2tpPort = 1701;

/** UDP destination ports that do not get out; L2TP's is one of them where its passthrough is switched off (RFC 2661 §8.1). */
export const blockedUdpPortsOf = ({ blockedUdpPorts, l2tp }: Pick<NatBehaviour, 'blockedUdpPorts' | 'l2tp'>): readonly number[] => (l2tp === 'blocked' ? [...blockedUdpPorts, l2tpPort] : blockedUdpPorts);

/** Whose rows stand in the way of `inside` at an outside port that cannot be another one. */
export function holdersOfPinnedPort(table: MappingTable, scope: PinnedPorts['scope'], outside: NumericEndpoint, inside: NumericEndpoint, remote: NumericEndpoint): Row[] {
  switch (scope) {
    case 'whole-box':
      return othersAt(table, 'udp', outside, inside);
    case 'per-server':
      return holderFor(table, 'udp', outside, remote);
  }
}

/** Whose rows stand in the way of raw ESP or AH from `inside`: an SPI does not say which client an answer is for, unless the box has learned it. */
export function holdersOfPortless(table: MappingTable, protocol: 'esp' | 'ah', passing: Exclude<WithoutPorts, 'blocked'>, outside: NumericEndpoint, inside: NumericEndpoint, remote: NumericEndpoint): Row[] {
  switch (passing) {
    case 'one-client':
      return othersAt(table, protocol, outside, inside);
    case 'one-per-server':
      return holderFor(table, protocol, outside, remote);
    case 'by-spi':
      return [];
  }
}

const othersAt = (table: MappingTable, protocol: MappedProtocol, outside: NumericEndpoint, inside: NumericEndpoint): Row[] =>
  Array.from(table.at(protocol, outside)).filter((row) => !sameInside(row, inside));

function holderFor(table: MappingTable, protocol: MappedProtocol, outside: NumericEndpoint, remote: NumericEndpoint): Row[] {
  const holder = table.fromOutside(protocol, outside, remote);
  return holder ? [holder] : [];
}
