/** The wire as checks read it: packets at interfaces, taken apart as far as an onlooker without keys can. */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Endpoint } from '../../src/core/address.ts';
import { sameBytes, toHex } from '../../src/core/bytes.ts';
import type { SpiText } from '../../src/core/events.ts';
import type { Encapsulation } from '../../src/ike/any-ike-sa.ts';
import { nonIkeMarker } from '../../src/ipsec/encapsulation-rules.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { decodeAh } from '../../src/wire/ah.ts';
import { decodeEsp } from '../../src/wire/esp.ts';
import { decodeHeader } from '../../src/wire/ike/codec.ts';
import type { IkeHeader } from '../../src/wire/ike/message.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { natKeepalive, nonEspMarker, stripMarker } from '../../src/wire/natt.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { decodeUdp } from '../../src/wire/udp.ts';

/** The ports of IKE: 500 without a marker, 4500 shared with ESP in UDP (RFC 7296 §2, RFC 3948 §2). */
export const ports = { ike: 500, natt: 4500 } as const;

/** A packet at an interface. Ports are 0 where the protocol has none. */
export interface Seen {
  readonly event: EventOf<'packet'>;
  readonly seq: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** What a box must leave alone: the UDP payload, else the IP payload. */
  readonly payload: Uint8Array;
  readonly content: Content;
}

export type Content =
  /** Read by where it stands, not by where it should: `marker` says whether four zero octets were in front. */
  | { readonly kind: 'ike'; readonly marker: boolean; readonly header: IkeHeader; readonly sa: SpiText; readonly message: Uint8Array }
  | { readonly kind: 'esp'; readonly encapsulation: Encapsulation; readonly spi: number; readonly sequence: number }
  /** `around`: the protocol of what AH carries, which is there to be read. */
  | { readonly kind: 'ah'; readonly spi: number; readonly sequence: number; readonly around: number; readonly carried: Uint8Array }
  /** Whatever is too short to be ESP or IKE on the shared port: exactly one octet 0xFF is a keepalive as RFC 3948 has it. */
  | { readonly kind: 'keepalive'; readonly exact: boolean }
  | { readonly kind: 'other'; readonly protocol: number };

export interface At {
  readonly node: string;
  readonly interface?: string;
  readonly direction?: 'in' | 'out';
}

/** Packets that passed a node's interface, in order. */
export function seenAt(trace: Trace, at: At): readonly Seen[] {
  return trace
    .of('packet', at.node)
    .filter(({ body }) => (at.interface === undefined || body.interface === at.interface) && (at.direction === undefined || body.direction === at.direction))
    .flatMap((event) => takeApart(trace, event) ?? []);
}

/** By the event's number: every check of a lesson asks for the same packets. One weak key a trace, since weak keys are dear. */
const taken = new WeakMap<Trace, Map<number, Seen | undefined>>();

function takeApart(trace: Trace, event: EventOf<'packet'>): Seen | undefined {
  let known = taken.get(trace);
  if (known === undefined) taken.set(trace, (known = new Map<number, Seen | undefined>()));
  if (!known.has(event.seq)) known.set(event.seq, parse(event));
  return known.get(event.seq);
}

function parse(event: EventOf<'packet'>): Seen | undefined {
  const packet = decodeIp(event.body.bytes);
  if (!packet.ok) return undefined;
  const { source, destination, protocol, payload, fragment } = packet.value;
  const plain = { event, seq: event.seq, from: { address: source, port: 0 }, to: { address: destination, port: 0 }, payload };
  if (fragment !== undefined) return { ...plain, content: { kind: 'other', protocol } };
  if (protocol === protocols.esp) return { ...plain, content: espContent(payload, 'none', protocol) };
  if (protocol === protocols.ah) {
    const ah = decodeAh(payload);
    return { ...plain, content: ah.ok ? { kind: 'ah', spi: ah.value.spi, sequence: ah.value.sequence, around: ah.value.nextHeader, carried: ah.value.payload } : { kind: 'other', protocol } };
  }
  if (protocol !== protocols.udp) return { ...plain, content: { kind: 'other', protocol } };
  const udp = decodeUdp(payload, { source, destination });
  if (!udp.ok) return { ...plain, content: { kind: 'other', protocol } };
  const from = { address: source, port: udp.value.sourcePort };
  const to = { address: destination, port: udp.value.destinationPort };
  return { event, seq: event.seq, from, to, payload: udp.value.payload, content: contentOf(udp.value.payload, [from.port, to.port]) };
}

function contentOf(payload: Uint8Array, between: readonly number[]): Content {
  const shared = between.includes(ports.natt);
  if (!shared && !between.includes(ports.ike)) return { kind: 'other', protocol: protocols.udp };
  if (shared && payload.length < 8) return { kind: 'keepalive', exact: sameBytes(payload, natKeepalive) };
  // Drafts 00 and 01: where IKE has its first cookie, which is never zero, eight zeros say that ESP follows.
  if (!shared && sameBytes(payload.subarray(0, nonIkeMarker.length), nonIkeMarker)) return espContent(payload.subarray(nonIkeMarker.length), 'udp-non-ike', protocols.udp);
  const marker = sameBytes(payload.subarray(0, nonEspMarker.length), nonEspMarker);
  const message = marker ? stripMarker(payload) : payload;
  const header = decodeHeader(message);
  // Without a marker a datagram on the shared port is ESP (RFC 3948 §2.2), unless its length field gives an IKE header away.
  if (header.ok && (marker || header.value.length === message.length)) return { kind: 'ike', marker, header: header.value, sa: toHex(header.value.initiatorSpi), message };
  return espContent(payload, 'udp', protocols.udp);
}

function espContent(payload: Uint8Array, encapsulation: Encapsulation, protocol: number): Content {
  const esp = decodeEsp(payload);
  return esp.ok ? { kind: 'esp', encapsulation, spi: esp.value.spi, sequence: esp.value.sequence } : { kind: 'other', protocol };
}

export type SeenIke = Seen & { readonly content: Extract<Content, { kind: 'ike' }> };
export type SeenEsp = Seen & { readonly content: Extract<Content, { kind: 'esp' }> };
export type SeenAh = Seen & { readonly content: Extract<Content, { kind: 'ah' }> };

export const isIke = (seen: Seen): seen is SeenIke => seen.content.kind === 'ike';
export const isEsp = (seen: Seen): seen is SeenEsp => seen.content.kind === 'esp';
export const isAh = (seen: Seen): seen is SeenAh => seen.content.kind === 'ah';
export const isKeepalive = (seen: Seen): boolean => seen.content.kind === 'keepalive';

/** The same packet at another place: its payload is the same whatever became of addresses and ports on the way. */
export const sameOnTheWay = (one: Seen, other: Seen): boolean => sameBytes(one.payload, other.payload);

/**
 * What of these packets came out of the box on its outside; of boxes in a row, of the first one. Retransmissions are the same octets: of several sent, one that came out
 * stands for all.
 */
export const cameOut = (trace: Trace, [box]: readonly { readonly name: string; readonly outside: string }[], sent: readonly Seen[]): readonly Seen[] =>
  box === undefined ? [] : seenAt(trace, { node: box.name, interface: box.outside, direction: 'out' }).filter((out) => sent.some((one) => sameOnTheWay(out, one)));

/** `192.168.1.10:500 > 203.0.113.1:500`; protocols without ports show addresses only. */
export const path = ({ from, to }: Seen): string => (from.port === 0 ? `${from.address} > ${to.address}` : `${describeEndpoint(from)} > ${describeEndpoint(to)}`);

