/** The TCP header (RFC 9293 §3.1): what NAT boxes and selectors look at. There is no TCP here. */
import { setU16, setU32, u16At, u32At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import { complement, folded, wordSum } from './checksum.ts';
import { protocols } from './protocols.ts';
import { pseudoHeaderSum, type Addresses } from './pseudo-header.ts';

export interface TcpSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** Bits of `tcpFlags`. */
  readonly flags: number;
  readonly window: number;
  readonly urgentPointer: number;
  /** As on the wire, padded to 32 bits. */
  readonly options: Uint8Array;
  /** A view of the segment it was decoded from. */
  readonly payload: Uint8Array;
}

export type TcpFields = Pick<TcpSegment, 'sourcePort' | 'destinationPort' | 'flags'> & Partial<TcpSegment>;

export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20, ece: 0x40, cwr: 0x80 } as const;

export const tcpHeaderLength = 20;
export const tcpAt = { sourcePort: 0, destinationPort: 2, sequence: 4, acknowledgment: 8, dataOffset: 12, flags: 13, window: 14, checksum: 16, urgentPointer: 18 } as const;

/** The payload of an IP packet of protocol 6, checksum included. */
export function encodeTcp(segment: TcpFields, addresses: Addresses): Uint8Array {
  const { sourcePort, destinationPort, flags, sequence = 0, acknowledgment = 0, window = 0xffff, urgentPointer = 0, options = none, payload = none } = segment;
  const headerLength = tcpHeaderLength + Math.ceil(options.length / 4) * 4;
  if (headerLength > 60) throw new RangeError(`a TCP header holds 40 octets of options, not ${options.length}`);
  const bytes = new Uint8Array(headerLength + payload.length);
  setU16(bytes, tcpAt.sourcePort, sourcePort);
  setU16(bytes, tcpAt.destinationPort, destinationPort);
  setU32(bytes, tcpAt.sequence, sequence);
  setU32(bytes, tcpAt.acknowledgment, acknowledgment);
  bytes[tcpAt.dataOffset] = (headerLength / 4) << 4;
  bytes[tcpAt.flags] = flags;
  setU16(bytes, tcpAt.window, window);
  setU16(bytes, tcpAt.urgentPointer, urgentPointer);
  bytes.set(options, tcpHeaderLength);
  bytes.set(payload, headerLength);
  setU16(bytes, tcpAt.checksum, complement(wordSum(bytes) + pseudoHeaderSum(addresses, protocols.tcp, bytes.length)));
  return bytes;
}

const none = new Uint8Array();

/** Refuses a header that does not fit and, unless it is `trusted`, a wrong checksum. */
export function decodeTcp(bytes: Uint8Array, addresses: Addresses, trust: 'to be verified' | 'trusted' = 'to be verified'): Decoded<TcpSegment> {
  if (bytes.length < tcpHeaderLength) return refused('tcp-malformed', `${bytes.length} octets are too few for a TCP header`);
  const headerLength = (bytes[tcpAt.dataOffset]! >>> 4) * 4;
  if (headerLength < tcpHeaderLength || headerLength > bytes.length) return refused('tcp-malformed', `header of ${headerLength} octets in ${bytes.length}`);
  if (trust === 'to be verified' && folded(wordSum(bytes) + pseudoHeaderSum(addresses, protocols.tcp, bytes.length)) !== 0xffff) {
    return refused('tcp-checksum', `checksum ${u16At(bytes, tcpAt.checksum).toString(16)} is wrong`);
  }
  return decoded({
    sourcePort: u16At(bytes, tcpAt.sourcePort),
    destinationPort: u16At(bytes, tcpAt.destinationPort),
    sequence: u32At(bytes, tcpAt.sequence),
    acknowledgment: u32At(bytes, tcpAt.acknowledgment),
    flags: bytes[tcpAt.flags]!,
    window: u16At(bytes, tcpAt.window),
    urgentPointer: u16At(bytes, tcpAt.urgentPointer),
    options: bytes.subarray(tcpHeaderLength, headerLength),
    payload: bytes.subarray(headerLength),
  });
}
