/** Puts another address and port into a packet where it lies, and mends the checksums that cover them (RFC 3022 §4.1, RFC 1624). */
import { setU16, setU32, u16At, u32At } from '../core/bytes.ts';
import type { MappedProtocol } from '../core/events.ts';
import { adjusted, adjusted32, complement, folded, wordSum } from '../wire/checksum.ts';
import { icmpAt } from '../wire/icmp.ts';
import { ipv4At, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';
import { asUdpChecksum, udpAt } from '../wire/udp.ts';
import { greAt } from './flow.ts';
import type { NumericEndpoint } from './table.ts';

export type End = 'source' | 'destination';

const tcpChecksumAt = 16;

/**
 * Rewrites one end of a packet, or of as much of it as an ICMP error quotes. A checksum that was wrong stays wrong by as much, so that
 * the receiver still sees it; a UDP checksum of zero stays zero (RFC 3948 §2.1), unless the box is one that adjusts it like any other.
 */
export function rewrite(packet: Uint8Array, end: End, protocol: MappedProtocol, to: NumericEndpoint, adjustZero = false): void {
  const headerLength = ipv4HeaderLengthOf(packet);
  const addressAt = ipv4At[end];
  const before = u32At(packet, addressAt);
  setU32(packet, addressAt, to.address);
  setU16(packet, ipv4At.checksum, adjusted32(u16At(packet, ipv4At.checksum), before, to.address));
  switch (protocol) {
    case 'udp': {
      const portBefore = setPort(packet, headerLength + udpAt[`${end}Port`], to.port);
      const checksumAt = headerLength + udpAt.checksum;
      const checksum = u16At(packet, checksumAt);
      if (checksum !== 0 || adjustZero) setU16(packet, checksumAt, asUdpChecksum(adjusted(adjusted32(checksum, before, to.address), portBefore, to.port)));
      return;
    }
    case 'tcp': {
      const portBefore = setPort(packet, headerLength + udpAt[`${end}Port`], to.port); // TCP's ports stand where UDP's do
      const checksumAt = headerLength + tcpChecksumAt;
      if (checksumAt + 2 > packet.length) return; // quoted without it
      setU16(packet, checksumAt, adjusted(adjusted32(u16At(packet, checksumAt), before, to.address), portBefore, to.port));
      return;
    }
    case 'icmp': {
      const identifierBefore = setPort(packet, headerLength + icmpAt.identifier, to.port);
      const checksumAt = headerLength + icmpAt.checksum;
      setU16(packet, checksumAt, adjusted(u16At(packet, checksumAt), identifierBefore, to.port));
      return;
    }
    case 'gre':
      if (end === 'destination') setU16(packet, headerLength + greAt.callId, to.port);
      return;
    case 'esp':
    case 'ah':
      return;
  }
}

/** One end of an ICMP error's own header, which has no port. */
export function rewriteAddress(packet: Uint8Array, end: End, address: number): void {
  rewrite(packet, end, 'esp', { address, port: 0 });
}

/** The addresses alone, of a fragment whose ports, and checksum, are in the first one. */
export function rewriteAddresses(fragment: Uint8Array, { source, destination }: { readonly source: number; readonly destination: number }): void {
  rewriteAddress(fragment, 'source', source);
  rewriteAddress(fragment, 'destination', destination);
}

/** Of a whole UDP packet that has none. */
export function computeUdpChecksum(packet: Uint8Array): void {
  const at = ipv4HeaderLengthOf(packet);
  const length = u16At(packet, at + udpAt.length);
  if (u16At(packet, at + udpAt.checksum) !== 0) return;
  const pseudoHeader = wordSum(packet, ipv4At.source, ipv4At.destination + 4) + protocols.udp + length;
  setU16(packet, at + udpAt.checksum, asUdpChecksum(complement(wordSum(packet, at, at + length) + pseudoHeader)));
}

export const icmpChecksumIsRight = (message: Uint8Array): boolean => folded(wordSum(message)) === 0xffff;

/** Anew, after what an error quotes has changed. */
export function renewIcmpChecksum(message: Uint8Array): void {
  setU16(message, icmpAt.checksum, 0);
  setU16(message, icmpAt.checksum, complement(wordSum(message)));
}

function setPort(packet: Uint8Array, at: number, port: number): number {
  const before = u16At(packet, at);
  setU16(packet, at, port);
  return before;
}
