/** Ports by the block, as carriers hand them out, so that a log of blocks tells who had which port (RFC 6888 REQ-12, RFC 7422). */
import type { Range } from './allocation.ts';
import type { PortBlocks as Blocks } from './behaviour.ts';
import type { NumericEndpoint } from './table.ts';

interface Held {
  readonly address: number;
  readonly place: number;
}

export class PortBlocks {
  readonly #first: number;
  readonly #size: number;
  readonly #perHost: number;
  readonly #count: number;
  readonly #held = new Map<number, readonly Held[]>();
  /** Places that are taken, by outside address. */
  readonly #taken = new Map<number, Set<number>>();

  constructor([first, last]: Range, { size, perHost }: Blocks) {
    this.#first = first;
    this.#size = size;
    this.#perHost = perHost;
    this.#count = Math.floor((last - first + 1) / size);
  }

  /** Where the host may get a port at an outside address: its own blocks, in the order in which it got them, then the one it would get next. */
  open(host: number, address: number): readonly Range[] {
    const next = this.#next(host, address);
    const places = this.#of(host).filter((held) => held.address === address).map(({ place }) => place);
    return (next === undefined ? places : [...places, next]).map((place) => this.#range(place));
  }

  /** The host gets a port: if it is of no block of its own yet, the block becomes one. */
  claim(host: number, { address, port }: NumericEndpoint): void {
    const place = Math.floor((port - this.#first) / this.#size);
    const held = this.#of(host);
    if (held.some((one) => one.address === address && one.place === place)) return;
    this.#held.set(host, [...held, { address, place }]);
    const taken = this.#taken.get(address);
    if (taken) taken.add(place);
    else this.#taken.set(address, new Set([place]));
  }

  /** The host has no mapping any more. */
  release(host: number): void {
    for (const { address, place } of this.#of(host)) this.#taken.get(address)!.delete(place);
    this.#held.delete(host);
  }

  #of(host: number): readonly Held[] {
    return this.#held.get(host) ?? [];
  }

  #next(host: number, address: number): number | undefined {
    if (this.#of(host).length >= this.#perHost) return undefined;
    const taken = this.#taken.get(address);
    for (let place = 0; place < this.#count; place++) if (!taken?.has(place)) return place;
    return undefined;
  }

  #range(place: number): Range {
    const from = this.#first + place * this.#size;
    return [from, from + this.#size - 1];
  }
}
