/** IPv4 addresses inside of IPv6 ones (RFC 6052 §2.2): behind a prefix of 32, 40, 48, 56, 64 or 96 bits, around the octet 64 … 71, which stays zero. */
import { addressBytes, addressFromBytes, inPrefix, prefix, type IpAddress, type Prefix } from '../../core/address.ts';

/** The prefix that everybody knows (§2.1). Only for addresses that are global, which those of a lab are not; here nobody minds. */
export const wellKnownPrefix = prefix('64:ff9b::/96');

export const prefixLengths: readonly number[] = [32, 40, 48, 56, 64, 96];

const zeroOctet = 8;

export function embedded(address: IpAddress, { address: head, length }: Prefix): IpAddress {
  const bytes = addressBytes(head);
  for (const [i, octet] of addressBytes(address).entries()) bytes[placeOf(i, length)] = octet;
  return addressFromBytes(bytes);
}

/** Undefined where the address is not of the prefix. What follows the IPv4 address is not looked at (§2.2). */
export function extracted(address: IpAddress, pref64: Prefix): IpAddress | undefined {
  if (!inPrefix(address, pref64)) return undefined;
  const bytes = addressBytes(address);
  return addressFromBytes(Uint8Array.from({ length: 4 }, (_, i) => bytes[placeOf(i, pref64.length)]!));
}

function placeOf(octet: number, prefixLength: number): number {
  const at = prefixLength / 8 + octet;
  return prefixLength < 96 && at >= zeroOctet ? at + 1 : at;
}
