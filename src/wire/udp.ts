/** UDP (RFC 768; over IPv6 RFC 8200 §8.1). */
import { isIpv4 } from '../core/address.ts';
import { setU16, u16At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import { complement, folded, wordSum } from './checksum.ts';
import { protocols } from './protocols.ts';
import { pseudoHeaderSum, type Addresses } from './pseudo-header.ts';

export interface UdpDatagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** A view of the datagram it was decoded from. */
  readonly payload: Uint8Array;
}

export type ReceivedUdpDatagram = UdpDatagram & { readonly checksum: 'verified' | 'trusted' | 'zero' };

export const udpHeaderLength = 8;
export const udpAt = { sourcePort: 0, destinationPort: 2, length: 4, checksum: 6 } as const;

/**
 * `zero` says that there is no checksum. RFC 3948 §2.1 asks for that around ESP over IPv4; over IPv6 it is for tunnels that both ends have configured so
 * (RFC 6935 §5), and everybody else throws it away.
 */
export function encodeUdp(datagram: UdpDatagram, addresses: Addresses, checksum: 'computed' | 'zero'): Uint8Array {
  const bytes = new Uint8Array(udpHeaderLength + datagram.payload.length);
  writeUdp(bytes, datagram, addresses, checksum);
  return bytes;
}

/** Fills `bytes`, which has the datagram's length. */
export function writeUdp(bytes: Uint8Array, { sourcePort, destinationPort, payload }: UdpDatagram, addresses: Addresses, checksum: 'computed' | 'zero'): void {
  if (bytes.length > 0xffff) throw new RangeError(`a UDP datagram has up to 65535 octets, not ${bytes.length}`);
  setU16(bytes, udpAt.sourcePort, sourcePort);
  setU16(bytes, udpAt.destinationPort, destinationPort);
  setU16(bytes, udpAt.length, bytes.length);
  setU16(bytes, udpAt.checksum, 0);
  bytes.set(payload, udpHeaderLength);
  if (checksum === 'computed') setU16(bytes, udpAt.checksum, asUdpChecksum(complement(wordSum(bytes) + pseudoHeaderSum(addresses, protocols.udp, bytes.length))));
}

/** RFC 768: zero means "no checksum", so a computed zero goes out as its other form, all ones. */
export const asUdpChecksum = (checksum: number): number => (checksum === 0 ? 0xffff : checksum);

/** Refuses wrong lengths and, unless it is `trusted`, a wrong checksum, and over IPv6 a missing one. Octets behind the UDP length are cut off. */
export function decodeUdp(bytes: Uint8Array, addresses: Addresses, trust: 'to be verified' | 'trusted' = 'to be verified'): Decoded<ReceivedUdpDatagram> {
  if (bytes.length < udpHeaderLength) return refused('udp-malformed', `${bytes.length} octets are too few for a UDP header`);
  const length = u16At(bytes, udpAt.length);
  if (length < udpHeaderLength || length > bytes.length) return refused('udp-malformed', `length ${length} in ${bytes.length} octets`);
  const checksum = u16At(bytes, udpAt.checksum) === 0 ? 'zero' : trust === 'trusted' ? trust : 'verified';
  if (checksum === 'zero' && !isIpv4(addresses.source)) return refused('udp-checksum', 'no checksum over IPv6 (RFC 8200 §8.1)');
  if (checksum === 'verified' && folded(wordSum(bytes, 0, length) + pseudoHeaderSum(addresses, protocols.udp, length)) !== 0xffff) {
    return refused('udp-checksum', `checksum ${u16At(bytes, udpAt.checksum).toString(16)} is wrong`);
  }
  return decoded({
    sourcePort: u16At(bytes, udpAt.sourcePort),
    destinationPort: u16At(bytes, udpAt.destinationPort),
    payload: bytes.subarray(udpHeaderLength, length),
    checksum,
  });
}
