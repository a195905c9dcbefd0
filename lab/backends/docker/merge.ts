/**
 * One trace out of what many agents tell. An event is recorded when every agent has told of all until then; so that nobody waits for one that has nothing to
 * tell, it is asked. What a node tells keeps its order, and beyond it the wire decides: what a node says of itself counts as having happened when its
 * next packet passed, at the latest.
 */
import type { Happening } from '../../../src/core/events.ts';
import type { Instant } from '../../../src/core/time.ts';

export interface Told {
  readonly at: Instant;
  readonly happening: Happening;
}

/** An event that waits for the others; `place`: where it belongs among all. */
interface Waiting {
  readonly told: Told;
  place: number;
}

export class Merge {
  readonly #record: (node: string, told: Told) => void;
  readonly #waiting: ReadonlyMap<string, Waiting[]>;
  readonly #upTo: Map<string, number>;

  constructor(nodes: readonly string[], record: (node: string, told: Told) => void) {
    this.#record = record;
    this.#waiting = new Map(nodes.map((node) => [node, []]));
    this.#upTo = new Map(nodes.map((node) => [node, -Infinity]));
  }

  /** What a node tells, and until when that is all. */
  add(node: string, events: readonly Told[], upTo: Instant): void {
    const waiting = this.#waiting.get(node)!;
    for (const told of events) waiting.push({ told, place: told.at });
    for (let i = waiting.length - 2; i >= 0; i--) waiting[i]!.place = Math.min(waiting[i]!.place, waiting[i + 1]!.place);
    this.#upTo.set(node, Math.max(this.#upTo.get(node)!, upTo));
    this.#recordUpTo(Math.min(...this.#upTo.values()));
  }

  /** The nodes that something waits for. */
  holdingUp(): string[] {
    const earliest = Math.min(...Array.from(this.#waiting.values(), ([first]) => first?.place ?? Infinity));
    return [...this.#upTo].flatMap(([node, upTo]) => (upTo < earliest && earliest !== Infinity ? [node] : []));
  }

  #recordUpTo(limit: number): void {
    for (;;) {
      let [next, earliest]: [string | undefined, number] = [undefined, Infinity];
      for (const [node, [first]] of this.#waiting) if (first !== undefined && first.place <= limit && first.place < earliest) [next, earliest] = [node, first.place];
      if (next === undefined) return;
      this.#record(next, this.#waiting.get(next)!.shift()!.told);
    }
  }
}
