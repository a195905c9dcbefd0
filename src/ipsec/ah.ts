/**
 * AH itself (RFC 4302): the ICV over a whole packet, its own IP header included. That header is why no NAT can be crossed: what a router may change
 * is taken for zero, and addresses are not among it.
 */
import { isIpv4, type IpAddress } from '../core/address.ts';
import { setU16, setU32 } from '../core/bytes.ts';
import { sameSecret } from '../crypto/secret.ts';
import type { Mac } from '../crypto/integrity.ts';
import { ahAt, ahLength, encodeAh } from '../wire/ah.ts';
import { encodeIp } from '../wire/ip.ts';
import { decodeIpv4, encodeIpv4, ipv4At, ipv4HeaderLength, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { decodeIpv6, encodeIpv6, ipv6HeaderLength } from '../wire/ipv6.ts';
import { protocols } from '../wire/protocols.ts';
import type { Addresses } from '../wire/pseudo-header.ts';
import type { Carried } from './transport.ts';

/** What both ends of an SA share for its whole life. */
export interface AhKeying {
  readonly protocol: 'ah';
  readonly spi: number;
  readonly mac: Mac;
  /** Sequence numbers have 64 bits, of which the low 32 travel (RFC 4302 §2.5.1). */
  readonly extended: boolean;
}

/** What is covered: in either version of IP addresses, lengths and protocol, and everything behind the header. For people. */
export const coveredFields = 'source and destination address, length, protocol, in IPv4 the identification, and everything behind the header';

/** Octets in front of AH in a packet: the IP header. Extension headers in front of it are not dealt with here. */
const headerLengthOf = (packet: Uint8Array): number => (packet[0]! >>> 4 === 4 ? ipv4HeaderLengthOf(packet) : ipv6HeaderLength);

/** An outer header of its own, AH, and what is carried (RFC 4302 §3.1.2). `identification` is IPv4's: it is covered, so that nobody may choose it later. */
export function protectInTunnel(keying: AhKeying, sequence: number, ends: Addresses, carried: Carried, identification: number): Uint8Array {
  const behind = withAh(keying, sequence, carried, isIpv4(ends.source) ? 4 : 6);
  const outer = isIpv4(ends.source) ? encodeIpv4({ ...ends, protocol: protocols.ah, identification, payload: behind }) : encodeIp({ ...ends, protocol: protocols.ah, payload: behind });
  return sealed(keying, sequence, outer);
}

/** AH between a packet's own IP header, which stays as it is otherwise, and what follows (RFC 4302 §3.1.1). */
export function protectInPlace(keying: AhKeying, sequence: number, packet: Uint8Array, carried: Carried, identification: number): Uint8Array {
  const version = packet[0]! >>> 4 === 4 ? 4 : 6;
  const behind = withAh(keying, sequence, carried, version);
  return sealed(keying, sequence, withPayload(packet, protocols.ah, behind, identification));
}

/** The packet as it was before AH was put in, or its payload was put on: the same IP header around something else. */
export const takenOut = (packet: Uint8Array, { nextHeader, payload }: Carried): Uint8Array => withPayload(packet, nextHeader, payload);

/** A header with a new payload. IPv4's identification stays where it says something. */
function withPayload(packet: Uint8Array, protocol: number, payload: Uint8Array, identification = 0): Uint8Array {
  if (packet[0]! >>> 4 === 6) {
    const ip = decodeIpv6(packet);
    if (!ip.ok) throw new TypeError(ip.detail);
    return encodeIpv6({ ...ip.value, nextHeader: protocol, payload });
  }
  const ip = decodeIpv4(packet);
  if (!ip.ok) throw new TypeError(ip.detail);
  return encodeIpv4({ ...ip.value, protocol, payload, identification: ip.value.identification || identification });
}

function withAh({ spi, mac }: AhKeying, sequence: number, { nextHeader, payload }: Carried, version: 4 | 6): Uint8Array {
  const header = encodeAh({ nextHeader, spi, sequence: sequence % 2 ** 32 }, ahLength(mac.icvLength, version));
  const behind = new Uint8Array(header.length + payload.length);
  behind.set(header);
  behind.set(payload, header.length);
  return behind;
}

function sealed(keying: AhKeying, sequence: number, packet: Uint8Array): Uint8Array {
  packet.set(icvOf(keying, sequence, packet), headerLengthOf(packet) + ahAt.icv);
  return packet;
}

/** Whether the packet is as it was signed. `sequence` is the whole number. */
export function isAuthentic(keying: AhKeying, sequence: number, packet: Uint8Array): boolean {
  const at = headerLengthOf(packet) + ahAt.icv;
  return sameSecret(icvOf(keying, sequence, packet), packet.subarray(at, at + keying.mac.icvLength));
}

/** RFC 4302 §3.3.3.1: over the packet with its mutable fields and the ICV zero; the high bits of an extended sequence number follow, unsent (§2.5.1). */
function icvOf({ mac, extended }: AhKeying, sequence: number, packet: Uint8Array): Uint8Array {
  const signed = packet.slice();
  if (signed[0]! >>> 4 === 4) zeroMutableIpv4(signed);
  else zeroMutableIpv6(signed);
  const at = headerLengthOf(signed) + ahAt.icv;
  signed.fill(0, at, at + mac.icvLength);
  if (!extended) return mac.compute(signed);
  const high = new Uint8Array(4);
  setU32(high, 0, Math.floor(sequence / 2 ** 32));
  return mac.compute(signed, high);
}

/** RFC 4302 §3.3.3.1.1.1: DSCP and ECN, flags and fragment offset, TTL, header checksum. */
function zeroMutableIpv4(packet: Uint8Array): void {
  packet[ipv4At.tos] = 0;
  setU16(packet, ipv4At.flagsAndOffset, 0);
  packet[ipv4At.ttl] = 0;
  setU16(packet, ipv4At.checksum, 0);
  zeroMutableOptions(packet.subarray(ipv4HeaderLength, ipv4HeaderLengthOf(packet)));
}

/** RFC 4302 appendix A1: security, extended security, commercial security, router alert, sender directed multi-destination delivery; all others are zero as a whole. */
const immutableOptions: ReadonlySet<number> = new Set([130, 133, 134, 148, 149]);
const [endOfOptions, noOperation] = [0, 1];

function zeroMutableOptions(options: Uint8Array): void {
  for (let at = 0; at < options.length && options[at] !== endOfOptions; ) {
    const type = options[at]!;
    const length = type === noOperation ? 1 : Math.max(2, options[at + 1] ?? 2);
    if (type !== noOperation && !immutableOptions.has(type)) options.fill(0, at, at + length);
    at += length;
  }
}

/** RFC 4302 §3.3.3.1.2.1: traffic class, flow label, hop limit. */
function zeroMutableIpv6(packet: Uint8Array): void {
  setU32(packet, 0, 0x6000_0000);
  packet[7] = 0;
}

/** The packet under other addresses, as far as they are said: to try whether it was signed with these. */
export function readdressed(packet: Uint8Array, addresses: { readonly source?: IpAddress; readonly destination?: IpAddress }): Uint8Array {
  if (packet[0]! >>> 4 === 4) {
    const ip = decodeIpv4(packet);
    if (!ip.ok) throw new TypeError(ip.detail);
    return encodeIpv4({ ...ip.value, ...addresses });
  }
  const ip = decodeIpv6(packet);
  if (!ip.ok) throw new TypeError(ip.detail);
  return encodeIpv6({ ...ip.value, ...addresses });
}
