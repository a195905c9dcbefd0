/** Fragments of IPv4 and IPv6 put together again (RFC 791 §3.2, RFC 1122 §3.3.2; RFC 8200 §4.5; overlaps as RFC 5722 has it, in both). */
import { concat, sameBytes, setU16, u16At, u32At } from '../core/bytes.ts';
import { decoded, refused, type Decoded, type Refusal } from '../core/decoded.ts';
import type { DropReason } from '../core/drop.ts';
import { after, describeDuration, seconds, type Instant } from '../core/time.ts';
import { isIpv4Fragment } from './fragmentation.ts';
import { ipVersion } from './ip.ts';
import { decodeIpv4, encodeIpv4, ipv4HeaderLength } from './ipv4.ts';
import { decodeIpv6, fragmentHeaderAt, fragmentPlace, ipv6At, ipv6HeaderLength } from './ipv6.ts';

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
  /** What the pieces of one datagram have in common (RFC 791 §3.2, RFC 8200 §4.5). */
  readonly name: string;
  readonly from: number; // octets of the datagram's payload: the first, and the one behind the last
  readonly to: number;
  readonly more: boolean;
  readonly payload: Uint8Array;
  /** What of the header counts towards the 65,535 octets that the whole may have. */
  readonly headerLength: number;
  readonly packet: Uint8Array;
  /** The whole datagram, whose header is that of the first piece, around this payload. */
  whole(payload: Uint8Array): Uint8Array;
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
    if (!isIpFragment(bytes)) return { packet: bytes, discarded: expired };
    const read = ipVersion(bytes) === 6 ? pieceOfIpv6(bytes.slice()) : pieceOfIpv4(bytes.slice());
    if (!read.ok) return { discarded: [...expired, read] };
    const piece = read.value;
    const { name } = piece;
    const misfit = misfitOf(piece);
    if (misfit) return { discarded: [...expired, misfit] };
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

/** Of either version. */
export const isIpFragment = (bytes: Uint8Array): boolean => (ipVersion(bytes) === 6 ? isIpv6Fragment(bytes) : isIpv4Fragment(bytes));

/** RFC 6946: a whole datagram behind a fragment header is none. */
function isIpv6Fragment(bytes: Uint8Array): boolean {
  const at = fragmentHeaderAt(bytes);
  return at !== undefined && fragmentPlace(bytes.subarray(at.header)) !== undefined;
}

function pieceOfIpv4(bytes: Uint8Array): Decoded<Piece> {
  const read = decodeIpv4(bytes);
  if (!read.ok) return read;
  const { source, destination, protocol, identification, fragmentOffset, moreFragments, payload, options } = read.value;
  return decoded({
    name: `${source} ${destination} ${protocol} ${identification}`,
    from: fragmentOffset,
    to: fragmentOffset + payload.length,
    more: moreFragments,
    payload,
    headerLength: ipv4HeaderLength + options.length,
    packet: bytes,
    whole: (together) => encodeIpv4({ ...read.value, moreFragments: false, fragmentOffset: 0, payload: together }),
  });
}

/** What stands in front of the fragment header stands in front of the whole; the header itself is gone. */
function pieceOfIpv6(bytes: Uint8Array): Decoded<Piece> {
  const read = decodeIpv6(bytes);
  if (!read.ok) return read;
  const { source, destination, payload } = read.value;
  const end = ipv6HeaderLength + payload.length;
  const { header, nextHeaderAt } = fragmentHeaderAt(bytes)!;
  const behind = header + 8;
  const offset = u16At(bytes, header + 2) & 0xfff8;
  return decoded({
    name: `${source} ${destination} ${u32At(bytes, header + 4)}`,
    from: offset,
    to: offset + end - behind,
    more: (bytes[header + 3]! & 1) === 1,
    payload: bytes.subarray(behind, end),
    headerLength: header - ipv6HeaderLength,
    packet: bytes,
    whole: (together) => {
      const packet = concat(bytes.subarray(0, header), together);
      packet[nextHeaderAt] = bytes[header]!;
      setU16(packet, ipv6At.payloadLength, packet.length - ipv6HeaderLength);
      return packet;
    },
  });
}

/** What is wrong with a piece alone; it does not touch the datagram. */
function misfitOf({ from, to, more }: Piece): Refusal | undefined {
  if (from === to) return refused('ip-malformed', 'an empty fragment');
  if (more && to % 8 !== 0) return refused('ip-malformed', `a fragment of ${to - from} octets in the midst of a datagram`);
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
  const isLast = !piece.more;
  const end = pieces.at(-1)?.to ?? 0;
  if (isLast ? datagram.length !== undefined || end > piece.to : datagram.length !== undefined && piece.to > datagram.length) {
    return refused('ip-malformed', `fragments do not agree where the datagram ends: at ${isLast ? piece.to : datagram.length!}?`);
  }
  const first = at === 0 ? piece : pieces[0]!; // whose header the whole will have
  const length = first.headerLength + Math.max(end, piece.to);
  if (length > 0xffff) return refused('ip-malformed', `fragments of a datagram of ${length} octets, more than there can be`);
  if (isLast) datagram.length = piece.to;
  datagram.gathered += piece.to - piece.from;
  pieces.splice(at, 0, piece);
  return undefined;
}

const sameOctets = (a: Piece, b: Piece): boolean =>
  a.from === b.from && a.to === b.to && a.more === b.more && sameBytes(a.payload, b.payload);

function whole({ pieces }: Datagram, length: number): Uint8Array {
  const payload = new Uint8Array(length);
  for (const { from, payload: piece } of pieces) payload.set(piece, from);
  return pieces[0]!.whole(payload);
}

function unfinished({ pieces, gathered, length }: Datagram, reason: DropReason, why: string): Discarded {
  const detail = `${why}: ${gathered} of ${length ?? 'unknown'} octets in ${pieces.length} fragments`;
  const first = pieces[0]?.from === 0 ? pieces[0].packet : undefined;
  return { reason, detail, ...(first && { first }) };
}
