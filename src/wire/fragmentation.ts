/** Packets cut into pieces that fit a link: IPv4 anywhere (RFC 791 §3.2), IPv6 where it comes from (RFC 8200 §4.5). */
import { concat, setU16, setU32, u16At } from '../core/bytes.ts';
import { decodeIpv4, encodeIpv4, ipv4At, ipv4HeaderLength } from './ipv4.ts';
import { fragmentHeaderAt, ipv6At, ipv6HeaderLength, ipv6LeastMtu } from './ipv6.ts';
import { protocols } from './protocols.ts';

/** Whether the packet is a piece of a datagram: more fragments to come, or an offset. Cheap enough to ask of every packet. */
export const isIpv4Fragment = (bytes: Uint8Array): boolean => (u16At(bytes, ipv4At.flagsAndOffset) & 0x3fff) !== 0;

/**
 * A packet in pieces that fit the MTU (octets, at least 68), in order; the packet itself where it fits. A fragment may be cut again.
 * For packets that `decodeIpv4` accepts; throws on others.
 */
export function fragmentIpv4(bytes: Uint8Array, mtu: number): Uint8Array[] | 'needs-fragmentation-but-DF' {
  if (bytes.length <= mtu) return [bytes];
  if (mtu < 68) throw new RangeError(`RFC 791 §3.2: an MTU is at least 68 octets, not ${mtu}`);
  const result = decodeIpv4(bytes);
  if (!result.ok) throw new TypeError(result.detail);
  const packet = result.value;
  if (packet.dontFragment) return 'needs-fragmentation-but-DF';
  const laterOptions = copiedOptions(packet.options);
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < packet.payload.length; ) {
    const options = from === 0 ? packet.options : laterOptions;
    const room = (mtu - ipv4HeaderLength - options.length) & ~7; // all but the last are a multiple of 8 long
    const to = Math.min(from + room, packet.payload.length);
    pieces.push(
      encodeIpv4({
        ...packet,
        options,
        fragmentOffset: packet.fragmentOffset + from,
        moreFragments: to < packet.payload.length || packet.moreFragments,
        payload: packet.payload.subarray(from, to),
      }),
    );
    from = to;
  }
  return pieces;
}

/** RFC 791 §3.1: the options that have the copied flag go into every fragment, the others into the first alone. */
function copiedOptions(options: Uint8Array): Uint8Array {
  const copied: number[] = [];
  for (let at = 0; at < options.length; ) {
    const type = options[at]!;
    if (type === endOfOptions) break;
    const length = type === noOperation ? 1 : Math.max(2, options[at + 1] ?? 2);
    if ((type & copiedFlag) !== 0) copied.push(...options.subarray(at, at + length));
    at += length;
  }
  while (copied.length % 4 !== 0) copied.push(endOfOptions);
  return Uint8Array.from(copied);
}

const endOfOptions = 0;
const noOperation = 1;
const copiedFlag = 0x80;

/** RFC 8200 §4.5. */
const fragmentHeaderLength = 8;

/**
 * A packet in pieces that fit the MTU (octets, at least 1280), in order; the packet itself where it fits. All that stands behind the fixed header goes into the pieces; one
 * that is a fragment is cut again and keeps its identification. For packets that `decodeIpv6` accepts.
 */
export function fragmentIpv6(bytes: Uint8Array, mtu: number, identification: number): Uint8Array[] {
  if (bytes.length <= mtu) return [bytes];
  if (mtu < ipv6LeastMtu) throw new RangeError(`RFC 8200 §5: an MTU is at least ${ipv6LeastMtu} octets, not ${mtu}`);
  const at = fragmentHeaderAt(bytes);
  const header = at === undefined ? freshFragmentHeader(bytes[ipv6At.nextHeader]!, identification) : bytes.subarray(at.header, at.header + fragmentHeaderLength);
  const before = bytes.slice(0, at?.header ?? ipv6HeaderLength);
  before[at?.nextHeaderAt ?? ipv6At.nextHeader] = protocols.fragment;
  const payload = bytes.subarray(at === undefined ? ipv6HeaderLength : at.header + fragmentHeaderLength);
  const [offset, more] = [u16At(header, 2) & 0xfff8, (header[3]! & 1) === 1];
  const room = (mtu - before.length - fragmentHeaderLength) & ~7;
  return Array.from({ length: Math.ceil(payload.length / room) }, (_, i) => {
    const piece = concat(before, header, payload.subarray(i * room, (i + 1) * room));
    setU16(piece, ipv6At.payloadLength, piece.length - ipv6HeaderLength);
    setU16(piece, before.length + 2, (offset + i * room) | (more || (i + 1) * room < payload.length ? 1 : 0));
    return piece;
  });
}

function freshFragmentHeader(nextHeader: number, identification: number): Uint8Array {
  const header = new Uint8Array(fragmentHeaderLength);
  header[0] = nextHeader;
  setU32(header, 4, identification);
  return header;
}
