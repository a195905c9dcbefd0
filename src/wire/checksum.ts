/** The Internet checksum (RFC 1071) and its repair in place (RFC 1624). */
import { u16At } from '../core/bytes.ts';

/** The sum of 16-bit words so far, carries not yet folded in: add sums of parts freely, every part but the last of even length. */
export function wordSum(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let sum = 0;
  const last = to - 1;
  for (let at = from; at < last; at += 2) sum += u16At(bytes, at);
  return (to - from) % 2 === 0 ? sum : sum + (bytes[last]! << 8); // RFC 1071 §1: an odd octet is padded with zero
}

/** Ones' complement: carries out of 16 bits come back in at the bottom. */
export function folded(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** What stands in a checksum field over octets that sum up to `sum`. */
export const complement = (sum: number): number => ~folded(sum) & 0xffff;

/** RFC 1071 §1: the checksum over some octets, its own field zero. Over octets with their checksum in place it gives 0. */
export const checksum = (bytes: Uint8Array): number => complement(wordSum(bytes));

/**
 * RFC 1624 §3, equation 3: HC' = ~(~HC + ~m + m'), for a 16-bit word that changes from `m` to `m'`. RFC 1141's formula yields -0
 * where +0 is right. Exact for all data that is not entirely zero; a pseudo-header or an IP header never is.
 */
export const adjusted = (checksum: number, before: number, after: number): number =>
  complement((~checksum & 0xffff) + (~before & 0xffff) + after);

/** The same for a 32-bit field: an IPv4 address, an SPI. */
export const adjusted32 = (checksum: number, before: number, after: number): number =>
  complement((~checksum & 0xffff) + (~before & 0xffff) + (~(before >>> 16) & 0xffff) + (after & 0xffff) + (after >>> 16));

/** The same for fields of whole words, of any length before and after: an IPv6 address, or one of IPv4 for it. */
export const adjustedBytes = (checksum: number, before: Uint8Array, after: Uint8Array): number =>
  complement((~checksum & 0xffff) + (before.length / 2) * 0xffff - wordSum(before) + wordSum(after));
