/** A map that forgets its oldest entry where another would be one too many: what a capture can make somebody remember has an end. */
export class Bounded<Key, Value> extends Map<Key, Value> {
  readonly #most: number;
  /** How many have been forgotten. */
  forgotten = 0;

  constructor(most: number) {
    super();
    this.#most = most;
  }

  override set(key: Key, value: Value): this {
    if (!this.has(key) && this.size >= this.#most) {
      this.delete(this.keys().next().value as Key);
      this.forgotten++;
    }
    return super.set(key, value);
  }
}
