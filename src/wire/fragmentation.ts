/** IPv4 fragmentation and reassembly (RFC 791 §3.2; RFC 1122 §3.3.2; overlaps as RFC 5722 has it for IPv6). */
import { u16At } from '../core/bytes.ts';
import { refused, type Refusal } from '../core/decoded.ts';
import type { DropReason } from '../core/drop.ts';
import { after, describeDuration, seconds, type Instant } from '../core/time.ts';
import { decodeIpv4, encodeIpv4, ipv4At, ipv4HeaderLength, type Ipv4Packet } from './ipv4.ts';

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

/** Linux's; RFC 791 proposes 15 s, RFC 1122 §3.3.2 60 to 120 s. */
export const reassemblyTimeout = seconds(30);

/** Linux's `ipfrag_high_thresh`. */
const defaultMemory = 4 * 1024 * 1024;

/** What a piece costs beside its octets, so that a flood of tiny ones is bounded too. */
const bookkeeping = 256;

/** A datagram, or a single fragment, that will not become whole. */
export interface Discarded {
  readonly reason: DropReason;
  readonly detail: string;
  /** The fragment with offset zero, if it is there: an ICMP error about a timeout quotes it (RFC 792). */
  readonly first?: Uint8Array;
}

export interface Reassembled {
  /** The whole packet, when this fragment was the last one missing. */
  readonly packet?: Uint8Array;
  readonly discarded: readonly Discarded[];
}

interface Piece {
  readonly from: number; // octets of the datagram's payload: the first, and the one behind the last
  readonly to: number;
  readonly packet: Ipv4Packet;
}

interface Datagram {
  readonly expires: Instant;
  readonly pieces: Piece[]; // by place, without overlap
  length: number | undefined; // of the whole payload, once the last piece is there
  gathered: number; // octets of payload
  cost: number;
  poisoned: Refusal | undefined; // RFC 5722 §4: given up, and every further piece with it
}

/**
 * Puts fragments together, in whatever order they come; pure, the time is handed in. An exact duplicate is ignored; overlap or contradiction
 * discards the whole datagram, pieces still to come included. Beyond its memory the oldest unfinished datagram gives way.
 */
export class Reassembly {
  /** By `nameOf`, in the order of their first pieces, which is that of their expiry. */
  readonly #datagrams = new Map<string, Datagram>();
  readonly #memory: number;
  #cost = 0;

  /** `memory` in octets. */
  constructor(memory = defaultMemory) {
    this.#memory = memory;
  }

  /** Takes a whole packet; of a fragment it keeps a copy. One that is no fragment comes back as it is, unread. */
  add(now: Instant, bytes: Uint8Array): Reassembled {
    const expired = this.expire(now);
    if (!isIpv4Fragment(bytes)) return { packet: bytes, discarded: expired };
    const decoded = decodeIpv4(bytes.slice());
    if (!decoded.ok) return { discarded: [...expired, decoded] };
    const piece = pieceOf(decoded.value);
    const misfit = misfitOf(piece);
    if (misfit) return { discarded: [...expired, misfit] };
    const name = nameOf(piece.packet);
    const datagram = this.#datagrams.get(name) ?? this.#begin(now, name);
    const refusal = datagram.poisoned ?? place(datagram, piece);
    if (refusal === 'duplicate') return { discarded: expired };
    if (refusal) {
      this.#poison(datagram, refusal);
      return { discarded: [...expired, refusal, ...this.#makeRoom()] };
    }
    this.#charge(datagram, bytes.length + bookkeeping);
    if (datagram.gathered !== datagram.length) return { discarded: [...expired, ...this.#makeRoom()] };
    this.#forget(name, datagram);
    return { packet: whole(datagram, datagram.length), discarded: expired };
  }

  /** Gives up what was begun 30 s ago and more. */
  expire(now: Instant): readonly Discarded[] {
    const discarded: Discarded[] = [];
    for (const [name, datagram] of this.#datagrams) {
      if (datagram.expires > now) break;
      this.#forget(name, datagram);
      if (!datagram.poisoned) discarded.push(unfinished(datagram, 'ip-reassembly-timeout', `not whole after ${describeDuration(reassemblyTimeout)}`));
    }
    return discarded;
  }

  /** When `expire` has something to do next. */
  nextExpiry(): Instant | undefined {
    for (const { expires } of this.#datagrams.values()) return expires;
    return undefined;
  }

  #begin(now: Instant, name: string): Datagram {
    const datagram: Datagram = { expires: after(now, reassemblyTimeout), pieces: [], length: undefined, gathered: 0, cost: 0, poisoned: undefined };
    this.#datagrams.set(name, datagram);
    return datagram;
  }

  #charge(datagram: Datagram, octets: number): void {
    datagram.cost += octets;
    this.#cost += octets;
  }

  /** What remains of it is its name, by which the pieces still under way are known. */
  #poison(datagram: Datagram, refusal: Refusal): void {
    datagram.poisoned = refusal;
    datagram.pieces.length = 0;
    this.#charge(datagram, bookkeeping - datagram.cost);
  }

  #forget(name: string, datagram: Datagram): void {
    this.#datagrams.delete(name);
    this.#cost -= datagram.cost;
  }

  #makeRoom(): readonly Discarded[] {
    const discarded: Discarded[] = [];
    for (const [name, datagram] of this.#datagrams) {
      if (this.#cost <= this.#memory) break;
      this.#forget(name, datagram);
      if (!datagram.poisoned) discarded.push(unfinished(datagram, 'ip-reassembly-full', `more than ${this.#memory} octets of fragments`));
    }
    return discarded;
  }
}

/** RFC 791 §3.2: what the pieces of one datagram have in common. */
const nameOf = ({ source, destination, protocol, identification }: Ipv4Packet): string => `${source} ${destination} ${protocol} ${identification}`;

const pieceOf = (packet: Ipv4Packet): Piece => ({ from: packet.fragmentOffset, to: packet.fragmentOffset + packet.payload.length, packet });

/** What is wrong with a piece alone; it does not touch the datagram. */
function misfitOf({ from, to, packet }: Piece): Refusal | undefined {
  if (from === to) return refused('ip-malformed', 'an empty fragment');
  if (packet.moreFragments && to % 8 !== 0) return refused('ip-malformed', `a fragment of ${to - from} octets in the midst of a datagram`);
  return undefined;
}

/** Puts a piece in its place. Pieces mostly come in order, so the search begins at the end. */
function place(datagram: Datagram, piece: Piece): Refusal | 'duplicate' | undefined {
  const { pieces } = datagram;
  let at = pieces.length;
  while (at > 0 && pieces[at - 1]!.from >= piece.from) at--;
  const twin = pieces[at];
  if (twin && sameOctets(twin, piece)) return 'duplicate';
  if ((twin && twin.from < piece.to) || (at > 0 && pieces[at - 1]!.to > piece.from)) return refused('ip-fragment-overlap', `octets ${piece.from} to ${piece.to - 1} came before, other ones`);
  const isLast = !piece.packet.moreFragments;
  const end = pieces.at(-1)?.to ?? 0;
  if (isLast ? datagram.length !== undefined || end > piece.to : datagram.length !== undefined && piece.to > datagram.length) {
    return refused('ip-malformed', `fragments do not agree where the datagram ends: at ${isLast ? piece.to : datagram.length!}?`);
  }
  const first = at === 0 ? piece : pieces[0]!; // whose header the whole will have
  const length = ipv4HeaderLength + first.packet.options.length + Math.max(end, piece.to);
  if (length > 0xffff) return refused('ip-malformed', `fragments of a datagram of ${length} octets, more than there can be`);
  if (isLast) datagram.length = piece.to;
  datagram.gathered += piece.to - piece.from;
  pieces.splice(at, 0, piece);
  return undefined;
}

const sameOctets = (a: Piece, b: Piece): boolean =>
  a.from === b.from && a.to === b.to && a.packet.moreFragments === b.packet.moreFragments && a.packet.payload.every((octet, i) => octet === b.packet.payload[i]);

/** RFC 791 §3.2: the header is the first piece's. */
function whole({ pieces }: Datagram, length: number): Uint8Array {
  const payload = new Uint8Array(length);
  for (const { from, packet } of pieces) payload.set(packet.payload, from);
  return encodeIpv4({ ...pieces[0]!.packet, moreFragments: false, fragmentOffset: 0, payload });
}

function unfinished({ pieces, gathered, length }: Datagram, reason: DropReason, why: string): Discarded {
  const detail = `${why}: ${gathered} of ${length ?? 'unknown'} octets in ${pieces.length} fragments`;
  const first = pieces[0]?.from === 0 ? encodeIpv4(pieces[0].packet) : undefined;
  return { reason, detail, ...(first && { first }) };
}
