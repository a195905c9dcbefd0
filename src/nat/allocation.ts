/** Which outside port a new mapping gets (RFC 4787 §4.2). */
import { below, type Random } from '../core/random.ts';
import type { PortAssignment } from './behaviour.ts';

export type Range = readonly [first: number, last: number];

/** Linux keeps these classes of source ports to themselves; 512–599 it hands to nobody new. */
const lowPorts: readonly { readonly below: number; readonly range: Range }[] = [
  { below: 512, range: [1, 511] },
  { below: 1024, range: [600, 1023] },
];

/** Where a new port for this inside port may come from. */
export function rangeFor({ range, keepLowApart }: PortAssignment, insidePort: number): Range {
  const low = keepLowApart ? lowPorts.find((ports) => insidePort < ports.below) : undefined;
  return low?.range ?? range;
}

/** RFC 5508: query identifiers are 16 bits without classes. */
export const identifierRange: Range = [0, 0xffff];

/** What a new port is wanted for. */
export interface Wish {
  readonly insidePort: number;
  /** Where a new port may come from. */
  readonly range: Range;
  /** Only ports of the range, even where the inside port could be kept. */
  readonly strict?: boolean;
  /** The outside port beside which this one would be contiguous. */
  readonly beside?: number | undefined;
  /** Which could be had. */
  readonly isFree: (port: number) => boolean;
}

/** Hands out outside ports. The only thing it remembers is where a sequential box goes on. */
export class PortAllocator {
  readonly #ports: PortAssignment;
  readonly #random: Random;
  readonly #next = new Map<number, number>();

  constructor(ports: PortAssignment, random: Random) {
    this.#ports = ports;
    this.#random = random;
  }

  /** The inside port itself, or the one beside its partner's, where the behaviour prefers it and it is free. */
  prefer({ insidePort, range: [first, last], strict = false, beside, isFree }: Wish): number | undefined {
    for (const port of [beside, this.#ports.assignment === 'preserve' ? insidePort : undefined]) {
      if (port !== undefined && (!strict || (port >= first && port <= last)) && isFree(port)) return port;
    }
    return undefined;
  }

  /** A new port of the range, of the inside port's parity as long as there is one; undefined when none is free. */
  choose({ insidePort, range, isFree }: Wish): number | undefined {
    if (this.#ports.parity === 'any') return this.#search(range, isFree);
    return this.#search(range, (port) => port % 2 === insidePort % 2 && isFree(port)) ?? this.#search(range, isFree);
  }

  forget(): void {
    this.#next.clear();
  }

  #search([first, last]: Range, isFree: (port: number) => boolean): number | undefined {
    const count = last - first + 1;
    const sequential = this.#ports.assignment === 'sequential';
    const start = sequential ? (this.#next.get(first) ?? 0) : below(this.#random, count);
    // taken ports stand in rows, for clients count theirs up: looking in strides, a free one is found in a few steps wherever there are some
    const stride = sequential ? 1 : strideThrough(count);
    for (let tried = 0; tried < count; tried++) {
      const place = (start + tried * stride) % count;
      if (!isFree(first + place)) continue;
      if (sequential) this.#next.set(first, place + 1);
      return first + place;
    }
    return undefined;
  }
}

/** A stride that comes by every place of `count` before it returns: near the golden section, and without a common divisor. */
function strideThrough(count: number): number {
  let stride = Math.max(1, Math.floor(count * 0.618));
  while (greatestCommonDivisor(stride, count) !== 1) stride++;
  return stride;
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
