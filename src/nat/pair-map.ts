/**
 * A map from two non-negative integers below 2⁵³. Open addressing with the keys side by side in one array: finding a row of a large table
 * waits for memory twice, where a Map of Maps waits six times.
 */
export class PairMap<Value extends object> {
  #keys: Float64Array;
  #values: (Value | undefined)[];
  #mask: number;
  #size = 0;

  constructor(capacity = 16) {
    this.#keys = new Float64Array(2 * capacity);
    this.#values = new Array<Value | undefined>(capacity).fill(undefined);
    this.#mask = capacity - 1; // capacities are powers of two
  }

  get size(): number {
    return this.#size;
  }

  get(first: number, second: number): Value | undefined {
    return this.#size === 0 ? undefined : this.#values[this.#find(first, second)];
  }

  set(first: number, second: number, value: Value): void {
    if (2 * this.#size > this.#mask) this.#grow();
    const slot = this.#find(first, second);
    if (this.#values[slot] === undefined) this.#size++;
    this.#keys[2 * slot] = first;
    this.#keys[2 * slot + 1] = second;
    this.#values[slot] = value;
  }

  delete(first: number, second: number): void {
    let gap = this.#find(first, second);
    if (this.#values[gap] === undefined) return;
    this.#size--;
    // those behind it that would no longer be found across the gap move up into it
    for (let slot = (gap + 1) & this.#mask; this.#values[slot] !== undefined; slot = (slot + 1) & this.#mask) {
      const home = hash(this.#keys[2 * slot]!, this.#keys[2 * slot + 1]!) & this.#mask;
      if (((slot - home) & this.#mask) < ((slot - gap) & this.#mask)) continue;
      this.#keys[2 * gap] = this.#keys[2 * slot]!;
      this.#keys[2 * gap + 1] = this.#keys[2 * slot + 1]!;
      this.#values[gap] = this.#values[slot];
      gap = slot;
    }
    this.#values[gap] = undefined;
  }

  /** Where the pair stands, or the free slot where it would. */
  #find(first: number, second: number): number {
    const keys = this.#keys;
    const values = this.#values;
    const mask = this.#mask;
    let slot = hash(first, second) & mask;
    while (values[slot] !== undefined && (keys[2 * slot] !== first || keys[2 * slot + 1] !== second)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const capacity = 2 * values.length;
    this.#keys = new Float64Array(2 * capacity);
    this.#values = new Array<Value | undefined>(capacity).fill(undefined);
    this.#mask = capacity - 1;
    this.#size = 0;
    for (const [slot, value] of values.entries()) {
      if (value !== undefined) this.set(keys[2 * slot]!, keys[2 * slot + 1]!, value);
    }
  }
}

/** Mixes all bits of both: keys differ in a few bits of an address or a port. */
function hash(first: number, second: number): number {
  let mixed = Math.imul((first | 0) ^ Math.imul(first / 0x1_0000_0000, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ (second | 0) ^ Math.imul(second / 0x1_0000_0000, 0xc2b2ae35), 0x27d4eb2f);
  return mixed ^ (mixed >>> 15);
}
