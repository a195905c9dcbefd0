import type { Instant } from './time.ts';

interface Entry<Key> {
  readonly key: Key;
  at: Instant;
  order: number; // timers of the same instant fire in the order in which they were set
  place: number; // where it stands in the heap
}

/**
 * Named timers: at most one a key, the earliest first, equal instants in the order they were set.
 * Setting, cancelling and taking cost O(log n): a gateway with 1,000 IKE SAs has some thousands of them.
 */
export class Timers<Key> {
  readonly #heap: Entry<Key>[] = [];
  readonly #byKey = new Map<Key, Entry<Key>>();
  #order = 0;

  /** Sets or moves the key's timer. */
  set(key: Key, at: Instant): void {
    const order = this.#order++;
    const entry = this.#byKey.get(key);
    if (entry === undefined) {
      const added = { key, at, order, place: this.#heap.length };
      this.#byKey.set(key, added);
      this.#heap.push(added);
      this.#up(added);
      return;
    }
    entry.at = at;
    entry.order = order;
    this.#up(entry);
    this.#down(entry);
  }

  cancel(key: Key): void {
    const entry = this.#byKey.get(key);
    if (entry === undefined) return;
    this.#byKey.delete(key);
    const last = this.#heap.pop()!;
    if (last === entry) return;
    this.#put(last, entry.place);
    this.#up(last);
    this.#down(last);
  }

  at(key: Key): Instant | undefined {
    return this.#byKey.get(key)?.at;
  }

  /** The earliest timer, whether due or not. */
  next(): { readonly key: Key; readonly at: Instant } | undefined {
    return this.#heap[0];
  }

  /** Takes the earliest timer that is due at `now`; undefined when none is. */
  take(now: Instant): Key | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.cancel(first.key);
    return first.key;
  }

  get size(): number {
    return this.#heap.length;
  }

  #up(entry: Entry<Key>): void {
    while (entry.place > 0) {
      const parent = this.#heap[(entry.place - 1) >> 1]!;
      if (!sooner(entry, parent)) return;
      this.#put(parent, this.#put(entry, parent.place));
    }
  }

  #down(entry: Entry<Key>): void {
    for (;;) {
      const left = this.#heap[2 * entry.place + 1];
      const right = this.#heap[2 * entry.place + 2];
      const child = right !== undefined && left !== undefined && sooner(right, left) ? right : left;
      if (child === undefined || !sooner(child, entry)) return;
      this.#put(child, this.#put(entry, child.place));
    }
  }

  /** Puts the entry at a place and returns the place that it left. */
  #put(entry: Entry<Key>, place: number): number {
    const left = entry.place;
    this.#heap[place] = entry;
    entry.place = place;
    return left;
  }
}

const sooner = <Key>(a: Entry<Key>, b: Entry<Key>): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
