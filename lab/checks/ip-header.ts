/** What becomes of an IPv4 header on its way, and which of it AH would have noticed. */
import { decodeIpv4, ipv4HeaderLengthOf } from '../../src/wire/ipv4.ts';
import type { Ipv4Packet } from '../../src/wire/ipv4.ts';

interface Field {
  readonly field: string;
  /** Whether AH's ICV covers it (RFC 4302 §3.3.3.1.1). */
  readonly signed: boolean;
  readonly read: (header: Ipv4Packet, bytes: Uint8Array) => string | number;
}

/** In the order of the header. The checksum follows from the others. */
const fields: readonly Field[] = [
  { field: 'header length', signed: true, read: (_, bytes) => ipv4HeaderLengthOf(bytes) },
  { field: 'type of service', signed: false, read: ({ tos }) => tos },
  { field: 'total length', signed: true, read: ({ payload }, bytes) => ipv4HeaderLengthOf(bytes) + payload.length },
  { field: 'identification', signed: true, read: ({ identification }) => identification },
  { field: 'fragmentation', signed: false, read: ({ dontFragment, moreFragments, fragmentOffset }) => [dontFragment ? 'do not' : 'may', moreFragments ? 'more' : 'last', fragmentOffset].join(' ') },
  { field: 'time to live', signed: false, read: ({ ttl }) => ttl },
  { field: 'protocol', signed: true, read: ({ protocol }) => protocol },
  { field: 'source address', signed: true, read: ({ source }) => source },
  { field: 'destination address', signed: true, read: ({ destination }) => destination },
];

export interface Change extends Pick<Field, 'field' | 'signed'> {
  readonly from: string | number;
  readonly to: string | number;
}

/** The fields that one and the same packet has otherwise at two places; none where either is no IPv4. */
export function changesOnTheWay(sent: Uint8Array, arrived: Uint8Array): readonly Change[] {
  const [before, after] = [decodeIpv4(sent), decodeIpv4(arrived)];
  if (!before.ok || !after.ok) return [];
  return fields.flatMap(({ field, signed, read }) => {
    const [from, to] = [read(before.value, sent), read(after.value, arrived)];
    return from === to ? [] : [{ field, signed, from, to }];
  });
}

export const describeChange = ({ field, signed, from, to }: Change): string => `${field} ${from} → ${to}${signed ? ' (which AH signs)' : ''}`;
