/** What the checksums of UDP, TCP and ICMPv6 cover beside their own octets (RFC 768, RFC 9293 §3.1, RFC 8200 §8.1). */
import { addressBytes, ipv4ToNumber, isIpv4, type IpAddress } from '../core/address.ts';
import { wordSum } from './checksum.ts';

/** The two ends of an IP packet. */
export interface Addresses {
  readonly source: IpAddress;
  readonly destination: IpAddress;
}

/** The pseudo-header's words, to be added to the sum of an upper-layer packet of `length` octets. */
export const pseudoHeaderSum = ({ source, destination }: Addresses, protocol: number, length: number): number =>
  addressSum(source) + addressSum(destination) + protocol + (length & 0xffff) + (length >>> 16);

function addressSum(address: IpAddress): number {
  if (!isIpv4(address)) return wordSum(addressBytes(address));
  const number = ipv4ToNumber(address);
  return (number >>> 16) + (number & 0xffff);
}
