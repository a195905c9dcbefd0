/** The IPv4 header (RFC 791 §3.1). */
import { ipv4FromNumber, ipv4ToNumber, type IpAddress } from '../core/address.ts';
import { setU16, setU32, u16At, u32At } from '../core/bytes.ts';
import { decoded, refused, type Decoded, type Refusal } from '../core/decoded.ts';
import { complement, folded, wordSum } from './checksum.ts';

export interface Ipv4Packet {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Of the payload: see `protocols`. */
  readonly protocol: number;
  readonly ttl: number;
  readonly tos: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In octets, a multiple of 8; the wire counts in units of 8. */
  readonly fragmentOffset: number;
  /** As on the wire, padded to 32 bits. */
  readonly options: Uint8Array;
  /** A view of the packet it was decoded from. */
  readonly payload: Uint8Array;
}

/** What must be said of a packet to send; the rest has defaults. */
export type Ipv4Fields = Pick<Ipv4Packet, 'source' | 'destination' | 'protocol' | 'payload'> & Partial<Ipv4Packet>;

export const defaultTtl = 64; // RFC 1700

export const ipv4HeaderLength = 20;

/** Where the fields stand, for code that rewrites a packet where it lies. */
export const ipv4At = { tos: 1, totalLength: 2, identification: 4, flagsAndOffset: 6, ttl: 8, protocol: 9, checksum: 10, source: 12, destination: 16 } as const;

const dontFragmentBit = 0x4000;
const moreFragmentsBit = 0x2000;
const offsetMask = 0x1fff;

/** The header's length in octets, as its IHL field says. */
export const ipv4HeaderLengthOf = (packet: Uint8Array): number => (packet[0]! & 0x0f) * 4;

/** A whole packet with its header checksum; throws on what cannot be said in a header, which is a bug of the caller. */
export function encodeIpv4(packet: Ipv4Fields): Uint8Array {
  const { payload } = packet;
  const bytes = new Uint8Array(ipv4HeaderLength + paddedOptionsLength(packet.options) + payload.length);
  const headerLength = writeIpv4Header(bytes, packet);
  bytes.set(payload, headerLength);
  return bytes;
}

/** Writes a header for the packet that fills `bytes` in front of its payload; returns the header's length. */
export function writeIpv4Header(bytes: Uint8Array, packet: Omit<Ipv4Fields, 'payload'>): number {
  const { tos = 0, identification = 0, fragmentOffset = 0, ttl = defaultTtl, dontFragment = false, moreFragments = false } = packet;
  const headerLength = ipv4HeaderLength + paddedOptionsLength(packet.options);
  if (headerLength > 60) throw new RangeError(`an IPv4 header holds 40 octets of options, not ${headerLength - ipv4HeaderLength}`);
  if (bytes.length > 0xffff) throw new RangeError(`an IPv4 packet has up to 65535 octets, not ${bytes.length}`);
  if (fragmentOffset % 8 !== 0 || fragmentOffset > offsetMask * 8) throw new RangeError(`no fragment begins at ${fragmentOffset}`);
  bytes[0] = 0x40 | (headerLength / 4);
  bytes[ipv4At.tos] = tos;
  setU16(bytes, ipv4At.totalLength, bytes.length);
  setU16(bytes, ipv4At.identification, identification);
  setU16(bytes, ipv4At.flagsAndOffset, (dontFragment ? dontFragmentBit : 0) | (moreFragments ? moreFragmentsBit : 0) | (fragmentOffset / 8));
  bytes[ipv4At.ttl] = ttl;
  bytes[ipv4At.protocol] = packet.protocol;
  setU16(bytes, ipv4At.checksum, 0);
  setU32(bytes, ipv4At.source, ipv4ToNumber(packet.source));
  setU32(bytes, ipv4At.destination, ipv4ToNumber(packet.destination));
  if (packet.options) bytes.set(packet.options, ipv4HeaderLength);
  setU16(bytes, ipv4At.checksum, complement(wordSum(bytes, 0, headerLength)));
  return headerLength;
}

/** Refuses what `ipv4Fault` names. Octets behind the total length are cut off. */
export function decodeIpv4(bytes: Uint8Array): Decoded<Ipv4Packet> {
  return ipv4Fault(bytes) ?? decoded(readIpv4(bytes, ipv4HeaderLengthOf(bytes), u16At(bytes, ipv4At.totalLength)));
}

/** Why the octets are no IPv4 packet, by RFC 1122 §3.2.1: another version, wrong lengths, a wrong header checksum. Octets behind the total length are no fault. */
export function ipv4Fault(bytes: Uint8Array): Refusal | undefined {
  if (bytes.length < ipv4HeaderLength) return refused('ip-malformed', `${bytes.length} octets are too few for an IPv4 header`);
  const headerLength = ipv4HeaderLengthOf(bytes);
  if (bytes[0]! >>> 4 !== 4) return refused('ip-malformed', `version ${bytes[0]! >>> 4}`);
  if (headerLength < ipv4HeaderLength || headerLength > bytes.length) return refused('ip-malformed', `header of ${headerLength} octets in ${bytes.length}`);
  const totalLength = u16At(bytes, ipv4At.totalLength);
  if (totalLength < headerLength || totalLength > bytes.length) return refused('ip-malformed', `total length ${totalLength} in ${bytes.length} octets`);
  if (folded(wordSum(bytes, 0, headerLength)) !== 0xffff) return refused('ip-checksum', `header checksum ${u16At(bytes, ipv4At.checksum).toString(16)} is wrong`);
  return undefined;
}

/**
 * The packet that an ICMP error quotes: its header, and as much of its payload as was quoted (RFC 792). The total length is the original's
 * and no reason to refuse; neither is the checksum, which boxes on the way may have left stale.
 */
export function decodeQuotedIpv4(bytes: Uint8Array): Decoded<Ipv4Packet> {
  const headerLength = bytes.length < ipv4HeaderLength ? 0 : ipv4HeaderLengthOf(bytes);
  if (headerLength < ipv4HeaderLength || headerLength > bytes.length || bytes[0]! >>> 4 !== 4) return refused('icmp-malformed', 'quotes no IPv4 header');
  return decoded(readIpv4(bytes, headerLength, bytes.length));
}

function readIpv4(bytes: Uint8Array, headerLength: number, end: number): Ipv4Packet {
  const flagsAndOffset = u16At(bytes, ipv4At.flagsAndOffset);
  return {
    source: ipv4FromNumber(u32At(bytes, ipv4At.source)),
    destination: ipv4FromNumber(u32At(bytes, ipv4At.destination)),
    protocol: bytes[ipv4At.protocol]!,
    ttl: bytes[ipv4At.ttl]!,
    tos: bytes[ipv4At.tos]!,
    identification: u16At(bytes, ipv4At.identification),
    dontFragment: (flagsAndOffset & dontFragmentBit) !== 0,
    moreFragments: (flagsAndOffset & moreFragmentsBit) !== 0,
    fragmentOffset: (flagsAndOffset & offsetMask) * 8,
    options: bytes.subarray(ipv4HeaderLength, headerLength),
    payload: bytes.subarray(headerLength, end),
  };
}

const paddedOptionsLength = (options?: Uint8Array): number => (options === undefined ? 0 : Math.ceil(options.length / 4) * 4);
