/** The IPv6 header and the way over its extension headers (RFC 8200 §3, §4). */
import { addressBytes, addressFromBytes, type IpAddress } from '../core/address.ts';
import { setU16, setU32, u16At, u32At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import { protocols } from './protocols.ts';

export interface Ipv6Packet {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly trafficClass: number;
  readonly flowLabel: number;
  /** What stands first in the payload: an extension header, or the upper protocol. */
  readonly nextHeader: number;
  readonly hopLimit: number;
  /** Everything behind the fixed header, extension headers included. A view of the packet it was decoded from. */
  readonly payload: Uint8Array;
}

export type Ipv6Fields = Pick<Ipv6Packet, 'source' | 'destination' | 'nextHeader' | 'payload'> & Partial<Ipv6Packet>;

export const ipv6HeaderLength = 40;
/** RFC 8200 §5: what every link takes. */
export const ipv6LeastMtu = 1280;
export const ipv6At = { payloadLength: 4, nextHeader: 6, hopLimit: 7, source: 8, destination: 24 } as const;

/** A whole packet; throws on a payload that the length field cannot say (jumbograms are not for us). */
export function encodeIpv6(packet: Ipv6Fields): Uint8Array {
  const bytes = new Uint8Array(ipv6HeaderLength + packet.payload.length);
  writeIpv6Header(bytes, packet);
  bytes.set(packet.payload, ipv6HeaderLength);
  return bytes;
}

/** Writes a header for the packet that fills `bytes` in front of its payload; returns the header's length. */
export function writeIpv6Header(bytes: Uint8Array, { source, destination, nextHeader, trafficClass = 0, flowLabel = 0, hopLimit = 64 }: Omit<Ipv6Fields, 'payload'>): number {
  const payloadLength = bytes.length - ipv6HeaderLength;
  if (payloadLength > 0xffff) throw new RangeError(`an IPv6 payload has up to 65535 octets, not ${payloadLength}`);
  setU32(bytes, 0, ((6 << 28) | (trafficClass << 20) | flowLabel) >>> 0);
  setU16(bytes, ipv6At.payloadLength, payloadLength);
  bytes[ipv6At.nextHeader] = nextHeader;
  bytes[ipv6At.hopLimit] = hopLimit;
  bytes.set(addressBytes(source), ipv6At.source);
  bytes.set(addressBytes(destination), ipv6At.destination);
  return ipv6HeaderLength;
}

/** Refuses another version and a payload length beyond the bytes. Octets behind the payload are cut off. */
export function decodeIpv6(bytes: Uint8Array): Decoded<Ipv6Packet> {
  if (bytes.length < ipv6HeaderLength) return refused('ip-malformed', `${bytes.length} octets are too few for an IPv6 header`);
  const firstWord = u32At(bytes, 0);
  if (firstWord >>> 28 !== 6) return refused('ip-malformed', `version ${firstWord >>> 28}`);
  const end = ipv6HeaderLength + u16At(bytes, ipv6At.payloadLength);
  if (end > bytes.length) return refused('ip-malformed', `payload length ${end - ipv6HeaderLength} in ${bytes.length} octets`);
  return decoded({
    source: addressFromBytes(bytes.subarray(ipv6At.source, ipv6At.destination)),
    destination: addressFromBytes(bytes.subarray(ipv6At.destination, ipv6HeaderLength)),
    trafficClass: (firstWord >>> 20) & 0xff,
    flowLabel: firstWord & 0xfffff,
    nextHeader: bytes[ipv6At.nextHeader]!,
    hopLimit: bytes[ipv6At.hopLimit]!,
    payload: bytes.subarray(ipv6HeaderLength, end),
  });
}

/** Which piece of a datagram a fragment is. Offsets in octets. */
export interface FragmentPlace {
  readonly identification: number;
  readonly offset: number;
  readonly more: boolean;
}

export interface UpperLayer {
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly fragment?: FragmentPlace;
}

/**
 * RFC 8200 §4: the octets of an extension header that one can step over, `Infinity` where it says nothing; undefined for anything else.
 * ESP and AH are protocols of their own here.
 */
export function extensionHeaderLength(protocol: number, header: Uint8Array): number | undefined {
  switch (protocol) {
    case protocols.hopByHop:
    case protocols.routing:
    case protocols.destination:
      return header.length < 8 ? Infinity : 8 * (header[1]! + 1);
    case protocols.fragment:
      return header.length < 8 ? Infinity : 8;
    default:
      return undefined;
  }
}

/** Steps over extension headers to the upper protocol. Behind a fragment header that is not the first nothing can be told any more. */
export function upperLayer({ nextHeader, payload }: Pick<Ipv6Packet, 'nextHeader' | 'payload'>): Decoded<UpperLayer> {
  let protocol = nextHeader;
  let rest = payload;
  let fragment: FragmentPlace | undefined;
  for (;;) {
    const length = fragment !== undefined && fragment.offset > 0 ? undefined : extensionHeaderLength(protocol, rest);
    if (length === undefined) return decoded({ protocol, payload: rest, ...(fragment && { fragment }) });
    if (length > rest.length) return refused('ip-malformed', `extension header ${protocol} cut short`);
    if (protocol === protocols.fragment) fragment = fragmentPlace(rest) ?? fragment;
    protocol = rest[0]!;
    rest = rest.subarray(length);
  }
}

/** Where the first fragment header stands, behind whatever extension headers, and where its type is said; undefined where there is none, or where it is cut off. */
export function fragmentHeaderAt(bytes: Uint8Array): { readonly header: number; readonly nextHeaderAt: number } | undefined {
  let nextHeaderAt: number = ipv6At.nextHeader;
  let header = ipv6HeaderLength;
  for (;;) {
    const length = extensionHeaderLength(bytes[nextHeaderAt] ?? 0, bytes.subarray(header));
    if (length === undefined || header + length > bytes.length) return undefined;
    if (bytes[nextHeaderAt] === protocols.fragment) return { header, nextHeaderAt };
    nextHeaderAt = header;
    header += length;
  }
}

/** RFC 6946: a fragment header around a whole datagram makes no fragment of it. */
export function fragmentPlace(header: Uint8Array): FragmentPlace | undefined {
  const offset = u16At(header, 2) & 0xfff8;
  const more = (header[3]! & 1) === 1;
  return offset === 0 && !more ? undefined : { identification: u32At(header, 4), offset, more };
}
