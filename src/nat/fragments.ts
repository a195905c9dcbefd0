/**
 * Fragments that a box lets go on as they are (RFC 4787 §11): only the first one has ports, so what becomes of it becomes of the others. Those that
 * come before it wait. Bounded in octets and in time; what waits longest gives way.
 */
import { u16At, u32At } from '../core/bytes.ts';
import type { Refusal } from '../core/decoded.ts';
import type { Side } from '../core/events.ts';
import { after, type Instant } from '../core/time.ts';
import { reassemblyTimeout, type Discarded } from '../wire/reassembly.ts';
import { ipv4At, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';

/** Where the first fragment went on, and its addresses since then, as numbers. */
export interface Way {
  readonly to: Side;
  readonly source: number;
  readonly destination: number;
}

interface Trail {
  readonly expires: Instant;
  /** What became of the first fragment, once it is there. */
  way: Way | Refusal | undefined;
  readonly waiting: Uint8Array[];
  cost: number;
}

const memory = 1024 * 1024;
/** What a trail and each waiting piece cost beside the octets, so that a flood of tiny ones is bounded too. */
const bookkeeping = 256;

export class FragmentTrails {
  /** By `nameOf`, in the order of their expiry. */
  readonly #trails = new Map<string, Trail>();
  #cost = 0;

  /** Of a fragment that is not the first: where it goes, or why it does not; undefined while it waits for the first one. The bytes are copied. */
  later(now: Instant, from: Side, fragment: Uint8Array): Way | Refusal | undefined {
    const trail = this.#trailOf(now, from, fragment);
    if (trail.way !== undefined) return trail.way;
    trail.waiting.push(fragment.slice());
    this.#charge(trail, fragment.length + bookkeeping);
    return undefined;
  }

  /** What became of the first fragment, given as it came in; the pieces that waited for it. */
  first(now: Instant, from: Side, fragment: Uint8Array, way: Way | Refusal): readonly Uint8Array[] {
    const trail = this.#trailOf(now, from, fragment);
    trail.way = way;
    this.#charge(trail, bookkeeping - trail.cost);
    return trail.waiting.splice(0);
  }

  /** Trails that are 30 s old, and those for which there is no room: with the pieces that still waited. */
  expire(now: Instant): readonly Discarded[] {
    const discarded: Discarded[] = [];
    for (const [name, trail] of this.#trails) {
      const isOld = trail.expires <= now;
      if (!isOld && this.#cost <= memory) break;
      this.#trails.delete(name);
      this.#cost -= trail.cost;
      const reason = isOld ? 'ip-reassembly-timeout' : 'ip-reassembly-full';
      if (trail.waiting.length > 0) discarded.push({ reason, detail: `${trail.waiting.length} fragments waited in vain for the first one, which has the ports`, first: trail.waiting[0]! });
    }
    return discarded;
  }

  nextExpiry(): Instant | undefined {
    for (const { expires } of this.#trails.values()) return expires;
    return undefined;
  }

  #trailOf(now: Instant, from: Side, fragment: Uint8Array): Trail {
    const name = nameOf(from, fragment);
    const known = this.#trails.get(name);
    if (known) return known;
    const trail: Trail = { expires: after(now, reassemblyTimeout), way: undefined, waiting: [], cost: 0 };
    this.#trails.set(name, trail);
    this.#charge(trail, bookkeeping);
    return trail;
  }

  #charge(trail: Trail, octets: number): void {
    trail.cost += octets;
    this.#cost += octets;
  }
}

/** RFC 791 §3.2. */
const nameOf = (from: Side, fragment: Uint8Array): string =>
  `${from} ${u32At(fragment, ipv4At.source)} ${u32At(fragment, ipv4At.destination)} ${fragment[ipv4At.protocol]!} ${u16At(fragment, ipv4At.identification)}`;

/** In octets. */
export const fragmentOffsetOf = (packet: Uint8Array): number => (u16At(packet, ipv4At.flagsAndOffset) & 0x1fff) * 8;

/** RFC 3128: a later fragment that would lay itself over the ports and flags of TCP's header, or a first one that leaves some of them to it. */
export const isTinyAttack = (fragment: Uint8Array): boolean =>
  fragment[ipv4At.protocol] === protocols.tcp && (fragmentOffsetOf(fragment) === 8 || (fragmentOffsetOf(fragment) === 0 && fragment.length - ipv4HeaderLengthOf(fragment) < 16));
