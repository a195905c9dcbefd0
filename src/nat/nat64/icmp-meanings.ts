/** What an ICMP message of one version is in the other (RFC 7915 §4.2, §5.2): type, code, and the word behind the checksum. */
import { icmpTypes as v4 } from '../../wire/icmp.ts';
import { icmpv6Types as v6 } from '../../wire/icmpv6.ts';
import { ipv6LeastMtu } from '../../wire/ipv6.ts';

export interface IcmpHead {
  readonly type: number;
  readonly code: number;
  /** Identifier and sequence, the MTU, or a pointer, as one number. */
  readonly word: number;
}

const parameterProblemOf6 = 4;
const headerGrowth = 20;

/** The MTUs of the links on either side: no error tells more than fits them. */
export interface NextHops {
  readonly ipv4: number;
  readonly ipv6: number;
}
export const anyMtu: NextHops = { ipv4: 0xffff, ipv6: 0xffff };

/** RFC 1191 §7.1: what a router may have meant that told no MTU. */
const plateaus = [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/** Unreachable codes: host 1.0, administratively prohibited 1.1, port 1.4. */
const unreachableTo6: Readonly<Record<number, number>> = { 0: 0, 1: 0, 3: 4, 5: 0, 6: 0, 7: 0, 8: 0, 9: 1, 10: 1, 11: 0, 12: 0, 13: 1, 15: 1 };
const unreachableTo4: Readonly<Record<number, number>> = { 0: 1, 1: 10, 2: 1, 3: 1, 4: 3 };

/** Which octet of the header is wrong: figures 3 and 6. */
const pointerTo6: Readonly<Record<number, number>> = { 0: 0, 1: 1, 2: 4, 3: 4, 8: 7, 9: 6, 12: 8, 13: 8, 14: 8, 15: 8, 16: 24, 17: 24, 18: 24, 19: 24 };
const pointerTo4 = (pointer: number): number | undefined =>
  pointer >= 24 && pointer < 40 ? 16 : pointer >= 8 && pointer < 24 ? 12 : ({ 0: 0, 1: 1, 4: 2, 5: 2, 6: 9, 7: 8 } as Readonly<Record<number, number>>)[pointer];

/** Undefined for what is dropped silently. `quotedLength`: the total length of the packet that an error quotes. */
export function icmpTo6({ type, code, word }: IcmpHead, quotedLength: number, { ipv4, ipv6 }: NextHops): IcmpHead | undefined {
  switch (type) {
    case v4.echoRequest:
      return { type: v6.echoRequest, code: 0, word };
    case v4.echoReply:
      return { type: v6.echoReply, code: 0, word };
    case v4.unreachable: {
      if (code === 2) return { type: parameterProblemOf6, code: 1, word: 6 }; // the protocol: it stands in the next-header field
      if (code === 4) return { type: v6.packetTooBig, code: 0, word: Math.max(ipv6LeastMtu, Math.min(((word & 0xffff) || plateauBelow(quotedLength)) + headerGrowth, ipv6, ipv4 + headerGrowth)) };
      const unreachable = unreachableTo6[code];
      return unreachable === undefined ? undefined : { type: v6.unreachable, code: unreachable, word: 0 };
    }
    case v4.timeExceeded:
      return { type: v6.timeExceeded, code, word: 0 };
    case v4.parameterProblem: {
      const pointer = code === 0 || code === 2 ? pointerTo6[word >>> 24] : undefined;
      return pointer === undefined ? undefined : { type: parameterProblemOf6, code: 0, word: pointer };
    }
    default:
      return undefined;
  }
}

/** The same the other way. */
export function icmpTo4({ type, code, word }: IcmpHead, { ipv4, ipv6 }: NextHops): IcmpHead | undefined {
  switch (type) {
    case v6.echoRequest:
      return { type: v4.echoRequest, code: 0, word };
    case v6.echoReply:
      return { type: v4.echoReply, code: 0, word };
    case v6.unreachable: {
      const unreachable = unreachableTo4[code];
      return unreachable === undefined ? undefined : { type: v4.unreachable, code: unreachable, word: 0 };
    }
    case v6.packetTooBig:
      return { type: v4.unreachable, code: 4, word: Math.max(68, Math.min(word - headerGrowth, ipv4, ipv6 - headerGrowth)) };
    case v6.timeExceeded:
      return { type: v4.timeExceeded, code, word: 0 };
    case parameterProblemOf6: {
      if (code === 1) return { type: v4.unreachable, code: 2, word: 0 };
      const pointer = code === 0 ? pointerTo4(word) : undefined;
      return pointer === undefined ? undefined : { type: v4.parameterProblem, code: 0, word: (pointer << 24) >>> 0 };
    }
    default:
      return undefined;
  }
}

const plateauBelow = (length: number): number => plateaus.find((plateau) => plateau < length) ?? 68;
