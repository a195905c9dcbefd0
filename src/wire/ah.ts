/** The Authentication Header (RFC 4302 §2). What the ICV covers lives in src/ipsec. */
import { setU32, u32At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';

/**
 *   Next Header | Payload Len | RESERVED, 16 bits
 *   SPI
 *   Sequence Number
 *   ICV, and padding to 32 bits in IPv4, to 64 in IPv6
 */
export interface AhHeader {
  readonly nextHeader: number;
  /** 256 … 2³²−1. */
  readonly spi: number;
  /** The low 32 bits, where extended sequence numbers are in use. */
  readonly sequence: number;
}

/** Up to the ICV. */
export const ahFixedLength = 12;
export const ahAt = { nextHeader: 0, payloadLength: 1, spi: 4, sequence: 8, icv: ahFixedLength } as const;

/** Octets of the whole header with an ICV of so many octets (RFC 4302 §2.6). */
export function ahLength(icvLength: number, version: 4 | 6): number {
  const alignment = version === 4 ? 4 : 8;
  return Math.ceil((ahFixedLength + icvLength) / alignment) * alignment;
}

/** A header of `length` octets, ICV and padding zero. */
export function encodeAh({ nextHeader, spi, sequence }: AhHeader, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[ahAt.nextHeader] = nextHeader;
  bytes[ahAt.payloadLength] = length / 4 - 2; // RFC 4302 §2.2: in 32-bit words, minus 2
  setU32(bytes, ahAt.spi, spi);
  setU32(bytes, ahAt.sequence, sequence);
  return bytes;
}

/** The header, its length in octets, and a view of what follows. Refuses what is cut short, and SPI zero, which never travels (RFC 4302 §2.4). */
export function decodeAh(bytes: Uint8Array): Decoded<AhHeader & { readonly length: number; readonly payload: Uint8Array }> {
  if (bytes.length < ahFixedLength) return refused('ah-malformed', `${bytes.length} octets are too few for an AH header`);
  const length = 4 * (bytes[ahAt.payloadLength]! + 2);
  if (length < ahFixedLength || length > bytes.length) return refused('ah-malformed', `header of ${length} octets in ${bytes.length}`);
  const spi = u32At(bytes, ahAt.spi);
  if (spi === 0) return refused('ah-malformed', 'SPI zero');
  return decoded({ nextHeader: bytes[ahAt.nextHeader]!, spi, sequence: u32At(bytes, ahAt.sequence), length, payload: bytes.subarray(length) });
}
