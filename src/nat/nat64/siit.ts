/** IP and ICMP of one version as those of the other (RFC 7915), packet by packet, without a memory. */
import { addressBytes, type IpAddress } from '../../core/address.ts';
import { concat, setU16, setU32, u16At, u32At } from '../../core/bytes.ts';
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import { adjusted, adjustedBytes, complement, folded, wordSum } from '../../wire/checksum.ts';
import { icmpAt, icmpHeaderLength, icmpTypes } from '../../wire/icmp.ts';
import { icmpv6Types } from '../../wire/icmpv6.ts';
import { decodeIpv4, decodeQuotedIpv4, encodeIpv4, ipv4At, ipv4HeaderLength, ipv4HeaderLengthOf } from '../../wire/ipv4.ts';
import { decodeIpv6, encodeIpv6, ipv6At, ipv6HeaderLength, ipv6LeastMtu, upperLayer, type FragmentPlace } from '../../wire/ipv6.ts';
import { protocols } from '../../wire/protocols.ts';
import { pseudoHeaderSum, type Addresses } from '../../wire/pseudo-header.ts';
import { tcpAt } from '../../wire/tcp.ts';
import { asUdpChecksum, udpAt, udpHeaderLength } from '../../wire/udp.ts';
import { anyMtu, icmpTo4, icmpTo6, type IcmpHead, type NextHops } from './icmp-meanings.ts';

/** What an address is in the other version; undefined where it is nothing there. */
export type Renamed = (address: IpAddress) => IpAddress | undefined;

/** A packet of either version, in parts: what follows the headers as far as it is there, and how much of it there is said to be. */
interface Parts extends Addresses {
  readonly trafficClass: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly payload: Uint8Array;
  readonly saidLength: number;
  readonly fragment: FragmentPlace | undefined;
}

/** Whole, or as much as an ICMP error quotes. */
type Extent = 'whole' | 'quoted';

const longestPayloadOf4 = 0xffff - ipv4HeaderLength;

/** An IPv6 packet as one of IPv4. `identification`: for a packet that may be fragmented behind. `hops`: for errors that tell an MTU. */
export function toIpv4(packet: Uint8Array, as4: Renamed, identification: number, hops: NextHops = anyMtu, extent: Extent = 'whole'): Decoded<Uint8Array> {
  const read = partsOf6(packet, extent);
  if (!read.ok) return read;
  const { trafficClass, ttl, protocol, fragment, saidLength } = read.value;
  const ends = renamed(read.value, as4);
  if (!ends.ok) return ends;
  const isIcmp = protocol === protocols.icmpv6;
  const upper = isIcmp ? icmp(read.value, ends.value, 4, as4, identification, hops, extent) : ported(read.value, ends.value, extent);
  if (!upper.ok) return upper;
  if (upper.value.length > longestPayloadOf4) return refused('mtu-exceeded', `${upper.value.length} octets, more than an IPv4 packet holds`);
  const bytes = encodeIpv4({
    ...ends.value,
    tos: trafficClass,
    identification: fragment === undefined ? identification : fragment.identification & 0xffff,
    dontFragment: fragment === undefined && saidLength + ipv6HeaderLength > ipv6LeastMtu, // §5.1: what is shorter may be cut up on its way
    moreFragments: fragment?.more ?? false,
    fragmentOffset: fragment?.offset ?? 0,
    ttl,
    protocol: isIcmp ? protocols.icmp : protocol,
    payload: upper.value,
  });
  if (extent === 'quoted') sayLength4(bytes, saidLength);
  return decoded(bytes);
}

/** An IPv4 packet as one of IPv6, with a fragment header where it is a fragment. */
export function toIpv6(packet: Uint8Array, as6: Renamed, hops: NextHops = anyMtu, extent: Extent = 'whole'): Decoded<Uint8Array> {
  const read = partsOf4(packet, extent);
  if (!read.ok) return read;
  const { trafficClass, ttl, protocol, fragment, saidLength } = read.value;
  const ends = renamed(read.value, as6);
  if (!ends.ok) return ends;
  const isIcmp = protocol === protocols.icmp;
  const upper = isIcmp ? icmp(read.value, ends.value, 6, as6, 0, hops, extent) : ported(read.value, ends.value, extent);
  if (!upper.ok) return upper;
  const nextHeader = isIcmp ? protocols.icmpv6 : protocol;
  const bytes = encodeIpv6({
    ...ends.value,
    trafficClass,
    hopLimit: ttl,
    nextHeader: fragment === undefined ? nextHeader : protocols.fragment,
    payload: fragment === undefined ? upper.value : concat(fragmentHeader(nextHeader, fragment), upper.value),
  });
  if (extent === 'quoted') setU16(bytes, ipv6At.payloadLength, Math.min(0xffff, saidLength + (fragment === undefined ? 0 : 8)));
  return decoded(bytes);
}

function partsOf6(bytes: Uint8Array, extent: Extent): Decoded<Parts> {
  if (extent === 'quoted' && bytes.length < ipv6HeaderLength) return refused('icmp-malformed', 'quotes no IPv6 header');
  const said = bytes.length < ipv6HeaderLength ? 0 : u16At(bytes, ipv6At.payloadLength);
  const read = decodeIpv6(extent === 'whole' ? bytes : saying6(bytes, Math.min(said, bytes.length - ipv6HeaderLength)));
  if (!read.ok) return read;
  const { source, destination, trafficClass, hopLimit, nextHeader, payload } = read.value;
  const upper = upperLayer({ nextHeader, payload });
  if (!upper.ok) return upper;
  const { protocol, fragment } = upper.value;
  return decoded({ source, destination, trafficClass, ttl: hopLimit, protocol, payload: upper.value.payload, saidLength: said - (payload.length - upper.value.payload.length), fragment });
}

function saying6(bytes: Uint8Array, length: number): Uint8Array {
  const copy = bytes.slice();
  setU16(copy, ipv6At.payloadLength, length);
  return copy;
}

function partsOf4(bytes: Uint8Array, extent: Extent): Decoded<Parts> {
  const read = extent === 'whole' ? decodeIpv4(bytes) : decodeQuotedIpv4(bytes);
  if (!read.ok) return read;
  const { source, destination, tos, ttl, protocol, payload, identification, fragmentOffset, moreFragments } = read.value;
  const isFragment = fragmentOffset > 0 || moreFragments;
  return decoded({
    source,
    destination,
    trafficClass: tos,
    ttl,
    protocol,
    payload,
    saidLength: Math.max(0, u16At(bytes, ipv4At.totalLength) - ipv4HeaderLengthOf(bytes)),
    fragment: isFragment ? { identification, offset: fragmentOffset, more: moreFragments } : undefined,
  });
}

function renamed({ source, destination }: Addresses, as: Renamed): Decoded<Addresses> {
  const ends = { source: as(source), destination: as(destination) };
  if (ends.source === undefined || ends.destination === undefined) return refused('nat-no-mapping', `${source} to ${destination}: one of them is nothing in the other version of IP`);
  return decoded({ source: ends.source, destination: ends.destination });
}

// ---- what covers the addresses ----

/** UDP and TCP with checksums over the new addresses; a later fragment, ESP and all else as they are. */
function ported(from: Parts, to: Addresses, extent: Extent): Decoded<Uint8Array> {
  const { protocol, payload, fragment, saidLength } = from;
  if (fragment !== undefined && fragment.offset > 0) return decoded(payload);
  const at = protocol === protocols.udp ? udpAt.checksum : protocol === protocols.tcp ? tcpAt.checksum : undefined;
  if (at === undefined || (extent === 'quoted' && payload.length < at + 2)) return decoded(payload);
  if (payload.length < (protocol === protocols.udp ? udpHeaderLength : at + 2)) return refused(protocol === protocols.udp ? 'udp-malformed' : 'tcp-malformed', `${payload.length} octets are too few for its header`);
  const bytes = payload.slice();
  const before = u16At(bytes, at);
  if (protocol === protocols.udp && before === 0) {
    // §4.5: IPv6 has no UDP without a checksum; that of a whole datagram can be made
    if (extent === 'quoted') return decoded(bytes);
    if (fragment !== undefined) return refused('udp-checksum', 'a fragment of a datagram without a checksum, which IPv6 does not have');
    setU16(bytes, at, asUdpChecksum(complement(wordSum(bytes) + pseudoHeaderSum(to, protocol, saidLength))));
    return decoded(bytes);
  }
  const after = adjustedBytes(before, both(from), both(to));
  setU16(bytes, at, protocol === protocols.udp ? asUdpChecksum(after) : after);
  return decoded(bytes);
}

const both = ({ source, destination }: Addresses): Uint8Array => concat(addressBytes(source), addressBytes(destination));

// ---- ICMP ----

/** The message of the other version, checksum made anew, for only one of the two covers the addresses. What an error quotes is translated as well. */
function icmp(from: Parts, to: Addresses, version: 4 | 6, as: Renamed, identification: number, hops: NextHops, extent: Extent): Decoded<Uint8Array> {
  const { payload, fragment } = from;
  if (fragment !== undefined) return refused('nat-fragment', 'ICMP in fragments has a checksum that nobody can mend (RFC 7915 §1.2)');
  if (payload.length < icmpHeaderLength) return refused('icmp-malformed', `${payload.length} octets are too few for an ICMP header`);
  const head: IcmpHead = { type: payload[icmpAt.type]!, code: payload[icmpAt.code]!, word: u32At(payload, icmpAt.identifier) };
  const isError = version === 4 ? head.type < icmpv6Types.echoRequest : head.type !== icmpTypes.echoRequest && head.type !== icmpTypes.echoReply;
  if (isError && extent === 'quoted') return refused('icmp-malformed', 'quotes an ICMP error');
  const covered = wordSum(payload) + (version === 4 ? pseudoHeaderSum(from, protocols.icmpv6, payload.length) : 0);
  if (extent === 'whole' && folded(covered) !== 0xffff) return refused('icmp-checksum', 'an ICMP message with a wrong checksum, which a new one would make right');
  const rest = payload.subarray(icmpHeaderLength);
  const meant = version === 4 ? icmpTo4(head, hops) : icmpTo6(head, rest.length < 4 ? 0 : u16At(rest, ipv4At.totalLength), hops);
  if (meant === undefined) return refused('nat-icmp-error', `ICMP type ${head.type}, code ${head.code} has no like in IPv${version}`);
  const tail = !isError ? decoded(rest) : version === 4 ? toIpv4(rest, as, identification, hops, 'quoted') : toIpv6(rest, as, hops, 'quoted');
  if (!tail.ok) return tail;
  const bytes = concat(new Uint8Array(icmpHeaderLength), tail.value);
  bytes[icmpAt.type] = meant.type;
  bytes[icmpAt.code] = meant.code;
  setU32(bytes, icmpAt.identifier, meant.word);
  if (extent === 'quoted') return decoded(bytes); // it may be cut short: no checksum over it means anything
  setU16(bytes, icmpAt.checksum, complement(wordSum(bytes) + (version === 4 ? 0 : pseudoHeaderSum(to, protocols.icmpv6, bytes.length))));
  return decoded(bytes);
}

function fragmentHeader(nextHeader: number, { identification, offset, more }: FragmentPlace): Uint8Array {
  const bytes = new Uint8Array(8);
  bytes[0] = nextHeader;
  setU16(bytes, 2, offset | (more ? 1 : 0));
  setU32(bytes, 4, identification);
  return bytes;
}

/** A quoted packet says how long it was, not how much of it is left. */
function sayLength4(bytes: Uint8Array, payloadLength: number): void {
  const before = u16At(bytes, ipv4At.totalLength);
  const after = Math.min(0xffff, payloadLength + ipv4HeaderLengthOf(bytes));
  setU16(bytes, ipv4At.totalLength, after);
  setU16(bytes, ipv4At.checksum, adjusted(u16At(bytes, ipv4At.checksum), before, after));
}
