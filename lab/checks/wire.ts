/** The wire as checks read it: packets at interfaces, taken apart as far as an onlooker without keys can. */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Endpoint } from '../../src/core/address.ts';
import { sameBytes } from '../../src/core/bytes.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { takeApart as partsOf } from '../capture/packet.ts';
import type { Content } from '../capture/packet.ts';
import { wholePacket } from './wholes.ts';

export type { Content };

/** The ports of IKE: 500 without a marker, 4500 shared with ESP in UDP (RFC 7296 §2, RFC 3948 §2). */
export const ports = { ike: 500, natt: 4500 } as const;

/** A packet at an interface. Ports are 0 where the protocol has none. */
export interface Seen {
  readonly event: EventOf<'packet'>;
  readonly seq: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** The whole packet: of one that came in pieces, the one that they make, at its last piece. */
  readonly bytes: Uint8Array;
  /** What a box must leave alone: the UDP payload, else the IP payload. */
  readonly payload: Uint8Array;
  readonly content: Content;
}

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

/** Packets that passed any interface, in order. */
export const seenAnywhere = (trace: Trace): readonly Seen[] => trace.of('packet').flatMap((event) => takeApart(trace, event) ?? []);

/** By the event's number: every check of a lesson asks for the same packets. One weak key a trace, since weak keys are dear. */
const taken = new WeakMap<Trace, Map<number, Seen | undefined>>();

function takeApart(trace: Trace, event: EventOf<'packet'>): Seen | undefined {
  let known = taken.get(trace);
  if (known === undefined) taken.set(trace, (known = new Map<number, Seen | undefined>()));
  if (!known.has(event.seq)) known.set(event.seq, parse(event, wholePacket(trace, event)));
  return known.get(event.seq);
}

/** `bytes`: the packet of the event, put together where it came in pieces. */
function parse(event: EventOf<'packet'>, bytes: Uint8Array): Seen | undefined {
  const packet = partsOf(bytes);
  if (packet === undefined) return undefined;
  const { from, to, payload, content, checksum, version, protocol, fragment } = packet;
  const seen = { event, seq: event.seq, bytes, from, to, payload, content };
  // nobody hears what UDP throws away, and no part of a packet is one
  if (checksum !== 'wrong' && (checksum !== 'zero' || version === 4) && fragment === undefined) return seen;
  return { ...seen, from: { ...from, port: 0 }, to: { ...to, port: 0 }, content: { kind: 'other', protocol } };
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

