/** ICMP errors about what a box translated (RFC 5508 §4). */
import { refused, type Refusal } from '../core/decoded.ts';
import type { Side } from '../core/events.ts';
import { icmpHeaderLength } from '../wire/icmp.ts';
import { ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import type { NatBehaviour } from './behaviour.ts';
import { readQuotedFlow, type Flow } from './flow.ts';
import { icmpChecksumIsRight, renewIcmpChecksum, rewrite, rewriteAddress } from './rewrite.ts';
import { named } from './stories.ts';
import type { MappingTable, Row } from './table.ts';

export interface ErrorTranslation {
  readonly box: string;
  readonly table: MappingTable;
  /** The row of a packet that went out, as it left. */
  readonly sent: (flow: Flow, quoted: Uint8Array) => Row | undefined;
  readonly icmpErrors: NatBehaviour['icmpErrors'];
}

/**
 * An error belongs to the row of the packet that it quotes, which went the other way; it refreshes nothing. Rewrites the error and what it quotes, as the
 * behaviour says, and gives the side on which it goes on.
 */
export function translateError(from: Side, packet: Uint8Array, { box, table, sent, icmpErrors }: ErrorTranslation): Side | Refusal {
  if (icmpErrors === 'dropped') return refused('nat-icmp-error', `${box} lets no ICMP error through`);
  const message = packet.subarray(ipv4HeaderLengthOf(packet));
  // REQ-3: or else the new checksum would make it right
  if (!icmpChecksumIsRight(message)) return refused('icmp-checksum', 'an ICMP error with a wrong checksum');
  const quoted = readQuotedFlow(message.subarray(icmpHeaderLength));
  if (!quoted.ok) return quoted;
  const { protocol, source, destination } = quoted.value;
  const [local, remote] = from === 'inside' ? [destination, source] : [source, destination];
  const row = from === 'inside' ? table.fromInside(protocol, local, remote) : sent(quoted.value, message.subarray(icmpHeaderLength));
  if (row === undefined || !table.admits(row, remote)) {
    return refused('nat-no-mapping', `an ICMP error about ${named(protocol, source)} to ${named(protocol, destination)}, of which ${box} knows nothing`);
  }
  const [outer, inner, translated] = from === 'inside' ? (['source', 'destination', row.outside] as const) : (['destination', 'source', row.inside] as const);
  if (icmpErrors === 'translated') {
    rewrite(message.subarray(icmpHeaderLength), inner, protocol, translated);
    renewIcmpChecksum(message);
  }
  rewriteAddress(packet, outer, translated.address);
  return from === 'inside' ? 'outside' : 'inside';
}
