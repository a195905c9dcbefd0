/** ICMPv6 (RFC 4443): echo, and the errors of the path. */
import { setU16, setU32, u16At, u32At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import { complement, folded, wordSum } from './checksum.ts';
import { icmpAt, icmpHeaderLength, type IcmpEcho } from './icmp.ts';
import { ipv6HeaderLength } from './ipv6.ts';
import { protocols } from './protocols.ts';
import { pseudoHeaderSum, type Addresses } from './pseudo-header.ts';

export type Icmpv6Message =
  | IcmpEcho
  | { readonly kind: 'unreachable'; readonly code: number; readonly quoted: Uint8Array }
  | { readonly kind: 'packet-too-big'; /** Of the next hop, in octets. */ readonly mtu: number; readonly quoted: Uint8Array }
  | { readonly kind: 'time-exceeded'; readonly what: 'ttl' | 'reassembly'; readonly quoted: Uint8Array }
  /** A type that the lab does not use. `rest` is all behind the checksum. */
  | { readonly kind: 'other'; readonly type: number; readonly code: number; readonly rest: Uint8Array };

export const icmpv6Types = { unreachable: 1, packetTooBig: 2, timeExceeded: 3, echoRequest: 128, echoReply: 129 } as const;

/** RFC 4443 §2.4 (c): as much of the offending packet as fits the smallest MTU of IPv6. */
const quotable = 1280 - ipv6HeaderLength - icmpHeaderLength;

/** The payload of an IPv6 packet of protocol 58, with the checksum over both (RFC 4443 §2.3). */
export function encodeIcmpv6(message: Icmpv6Message, addresses: Addresses): Uint8Array {
  const { type, code, word, tail } = layout(message);
  const bytes = new Uint8Array(icmpHeaderLength + tail.length);
  bytes[icmpAt.type] = type;
  bytes[icmpAt.code] = code;
  setU32(bytes, icmpAt.identifier, word);
  bytes.set(tail, icmpHeaderLength);
  setU16(bytes, icmpAt.checksum, complement(wordSum(bytes) + pseudoHeaderSum(addresses, protocols.icmpv6, bytes.length)));
  return bytes;
}

/** Type, code, the second word, and what follows. */
function layout(message: Icmpv6Message): { type: number; code: number; word: number; tail: Uint8Array } {
  switch (message.kind) {
    case 'echo-request':
    case 'echo-reply': {
      const type = message.kind === 'echo-request' ? icmpv6Types.echoRequest : icmpv6Types.echoReply;
      return { type, code: 0, word: ((message.identifier << 16) | message.sequence) >>> 0, tail: message.data };
    }
    case 'unreachable':
      return { type: icmpv6Types.unreachable, code: message.code, word: 0, tail: quote(message.quoted) };
    case 'packet-too-big':
      return { type: icmpv6Types.packetTooBig, code: 0, word: message.mtu, tail: quote(message.quoted) };
    case 'time-exceeded':
      return { type: icmpv6Types.timeExceeded, code: message.what === 'ttl' ? 0 : 1, word: 0, tail: quote(message.quoted) };
    case 'other':
      return { type: message.type, code: message.code, word: u32At(message.rest, 0), tail: message.rest.subarray(4) };
  }
}

const quote = (packet: Uint8Array): Uint8Array => packet.subarray(0, quotable);

/** Refuses what is shorter than 8 octets or has a wrong checksum. */
export function decodeIcmpv6(bytes: Uint8Array, addresses: Addresses): Decoded<Icmpv6Message> {
  if (bytes.length < icmpHeaderLength) return refused('icmp-malformed', `${bytes.length} octets are too few for an ICMPv6 header`);
  if (folded(wordSum(bytes) + pseudoHeaderSum(addresses, protocols.icmpv6, bytes.length)) !== 0xffff) {
    return refused('icmp-checksum', `checksum ${u16At(bytes, icmpAt.checksum).toString(16)} is wrong`);
  }
  return decoded(read(bytes));
}

function read(bytes: Uint8Array): Icmpv6Message {
  const type = bytes[icmpAt.type]!;
  const code = bytes[icmpAt.code]!;
  const tail = bytes.subarray(icmpHeaderLength);
  switch (type) {
    case icmpv6Types.echoRequest:
    case icmpv6Types.echoReply:
      return { kind: type === icmpv6Types.echoRequest ? 'echo-request' : 'echo-reply', identifier: u16At(bytes, 4), sequence: u16At(bytes, 6), data: tail };
    case icmpv6Types.unreachable:
      return { kind: 'unreachable', code, quoted: tail };
    case icmpv6Types.packetTooBig:
      return { kind: 'packet-too-big', mtu: u32At(bytes, 4), quoted: tail };
    case icmpv6Types.timeExceeded:
      return { kind: 'time-exceeded', what: code === 0 ? 'ttl' : 'reassembly', quoted: tail };
    default:
      return { kind: 'other', type, code, rest: bytes.subarray(4) };
  }
}
