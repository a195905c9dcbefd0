/** Which outside port a new mapping gets (RFC 4787 §4.2). */
import { below, type Random } from '../core/random.ts';
import type { PortAssignment } from './behaviour.ts';

type Range = readonly [first: number, last: number];

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

/** Hands out outside ports. The only thing it remembers is where a sequential box goes on. */
export class PortAllocator {
  readonly #ports: PortAssignment;
  readonly #random: Random;
  readonly #next = new Map<number, number>();

  constructor(ports: PortAssignment, random: Random) {
    this.#ports = ports;
    this.#random = random;
  }

  /** A port for an inside port, or undefined where the behaviour leaves none. `isFree` says which could be had. */
  choose(insidePort: number, range: Range, isFree: (port: number) => boolean): number | undefined {
    if (this.#ports.assignment === 'preserve') {
      if (isFree(insidePort)) return insidePort;
      if (this.#ports.onConflict === 'refuse') return undefined;
    }
    const [first, last] = range;
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

  forget(): void {
    this.#next.clear();
  }
}

/** A stride that comes by every place of `count` before it returns: near the golden section, and without a common divisor. */
function strideThrough(count: number): number {
  let stride = Math.max(1, Math.floor(count * 0.618));
  while (greatestCommonDivisor(stride, count) !== 1) stride++;
  return stride;
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
