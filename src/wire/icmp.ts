/** ICMP for IPv4 (RFC 792; RFC 1122 §3.2.2; RFC 1191 for the MTU; RFC 1812 §4.3.2). */
import { ipv4ToNumber, type IpAddress } from '../core/address.ts';
import { setU16, u16At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import { checksum, folded, wordSum } from './checksum.ts';
import { ipv4HeaderLength, type Ipv4Packet } from './ipv4.ts';
import { protocols } from './protocols.ts';

export interface IcmpEcho {
  readonly kind: 'echo-request' | 'echo-reply';
  readonly identifier: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** Errors quote the packet that they are about: its header and what fits of the rest; `decodeQuotedIpv4` reads it. */
export type IcmpError =
  | { readonly kind: 'unreachable'; /** Of `unreachableCodes`, without 4. */ readonly code: number; readonly quoted: Uint8Array }
  | { readonly kind: 'fragmentation-needed'; /** Of the next hop, in octets; 0 from boxes older than RFC 1191. */ readonly mtu: number; readonly quoted: Uint8Array }
  | { readonly kind: 'time-exceeded'; readonly what: 'ttl' | 'reassembly'; readonly quoted: Uint8Array }
  | { readonly kind: 'parameter-problem'; readonly code: number; readonly pointer: number; readonly quoted: Uint8Array };

export type IcmpMessage =
  | IcmpEcho
  | IcmpError
  /** A type that the lab does not use. `rest` is all behind the checksum. */
  | { readonly kind: 'other'; readonly type: number; readonly code: number; readonly rest: Uint8Array };

export const icmpTypes = { echoReply: 0, unreachable: 3, sourceQuench: 4, redirect: 5, echoRequest: 8, timeExceeded: 11, parameterProblem: 12 } as const;

/** RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1. */
export const unreachableCodes = { network: 0, host: 1, protocol: 2, port: 3, fragmentationNeeded: 4, sourceRoute: 5, administrativelyProhibited: 13 } as const;

export const icmpHeaderLength = 8;
export const icmpAt = { type: 0, code: 1, checksum: 2, identifier: 4, sequence: 6 } as const;

/** RFC 1812 §4.3.2.3: as much of the offending packet as fits a datagram of 576 octets. */
const quotable = 576 - ipv4HeaderLength - icmpHeaderLength;

/** The payload of an IPv4 packet of protocol 1, checksum included. */
export function encodeIcmp(message: IcmpMessage): Uint8Array {
  const { type, code, high, low, tail } = layout(message);
  const bytes = new Uint8Array(icmpHeaderLength + tail.length);
  bytes[icmpAt.type] = type;
  bytes[icmpAt.code] = code;
  setU16(bytes, icmpAt.identifier, high);
  setU16(bytes, icmpAt.sequence, low);
  bytes.set(tail, icmpHeaderLength);
  setU16(bytes, icmpAt.checksum, checksum(bytes));
  return bytes;
}

/** Type, code, the two halves of the second word, and what follows. */
function layout(message: IcmpMessage): { type: number; code: number; high: number; low: number; tail: Uint8Array } {
  switch (message.kind) {
    case 'echo-request':
    case 'echo-reply':
      return { type: message.kind === 'echo-request' ? icmpTypes.echoRequest : icmpTypes.echoReply, code: 0, high: message.identifier, low: message.sequence, tail: message.data };
    case 'unreachable':
      return { type: icmpTypes.unreachable, code: message.code, high: 0, low: 0, tail: quote(message.quoted) };
    case 'fragmentation-needed':
      return { type: icmpTypes.unreachable, code: unreachableCodes.fragmentationNeeded, high: 0, low: message.mtu, tail: quote(message.quoted) };
    case 'time-exceeded':
      return { type: icmpTypes.timeExceeded, code: message.what === 'ttl' ? 0 : 1, high: 0, low: 0, tail: quote(message.quoted) };
    case 'parameter-problem':
      return { type: icmpTypes.parameterProblem, code: message.code, high: message.pointer << 8, low: 0, tail: quote(message.quoted) };
    case 'other':
      return { type: message.type, code: message.code, high: u16At(message.rest, 0), low: u16At(message.rest, 2), tail: message.rest.subarray(4) };
  }
}

const quote = (packet: Uint8Array): Uint8Array => packet.subarray(0, quotable);

/** Refuses what is shorter than 8 octets or has a wrong checksum. Views of `bytes`, nothing is copied. */
export function decodeIcmp(bytes: Uint8Array): Decoded<IcmpMessage> {
  if (bytes.length < icmpHeaderLength) return refused('icmp-malformed', `${bytes.length} octets are too few for an ICMP header`);
  if (folded(wordSum(bytes)) !== 0xffff) return refused('icmp-checksum', `checksum ${u16At(bytes, icmpAt.checksum).toString(16)} is wrong`);
  return decoded(read(bytes));
}

function read(bytes: Uint8Array): IcmpMessage {
  const type = bytes[icmpAt.type]!;
  const code = bytes[icmpAt.code]!;
  const tail = bytes.subarray(icmpHeaderLength);
  switch (type) {
    case icmpTypes.echoRequest:
    case icmpTypes.echoReply:
      return { kind: type === icmpTypes.echoRequest ? 'echo-request' : 'echo-reply', identifier: u16At(bytes, 4), sequence: u16At(bytes, 6), data: tail };
    case icmpTypes.unreachable:
      if (code === unreachableCodes.fragmentationNeeded) return { kind: 'fragmentation-needed', mtu: u16At(bytes, 6), quoted: tail };
      return { kind: 'unreachable', code, quoted: tail };
    case icmpTypes.timeExceeded:
      return { kind: 'time-exceeded', what: code === 0 ? 'ttl' : 'reassembly', quoted: tail };
    case icmpTypes.parameterProblem:
      return { kind: 'parameter-problem', code, pointer: bytes[4]!, quoted: tail };
    default:
      return { kind: 'other', type, code, rest: bytes.subarray(4) };
  }
}

/** RFC 1122 §3.2.2: no ICMP error about an ICMP error, a later fragment, or a packet to or from more than one host. */
export function mayAnswerWithError({ source, destination, protocol, fragmentOffset, payload }: Ipv4Packet): boolean {
  const isEcho = payload[0] === icmpTypes.echoRequest || payload[0] === icmpTypes.echoReply;
  return fragmentOffset === 0 && (protocol !== protocols.icmp || isEcho) && isOneHost(source) && isOneHost(destination);
}

/** Neither unspecified, loopback, multicast, reserved, nor limited broadcast (RFC 1122 §3.2.1.3). */
function isOneHost(address: IpAddress): boolean {
  const first = ipv4ToNumber(address) >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}
