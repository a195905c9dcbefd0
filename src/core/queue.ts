/** First in, first out, in constant time a step: what a machine's `poll()` reads from. */
export class Queue<Item> {
  #items: (Item | undefined)[] = [];
  #head = 0;
  #tail = 0;

  push(item: Item): void {
    this.#items[this.#tail++] = item;
  }

  shift(): Item | undefined {
    if (this.#head === this.#tail) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#tail) this.#restart();
    else if (this.#head > roomy && this.#head * 2 > this.#tail) this.#moveUp();
    return item;
  }

  get length(): number {
    return this.#tail - this.#head;
  }

  /** A queue is empty most of the time: its array is kept, unless a burst has made it large. */
  #restart(): void {
    this.#head = 0;
    this.#tail = 0;
    if (this.#items.length > roomy) this.#items = [];
  }

  #moveUp(): void {
    this.#items = this.#items.slice(this.#head, this.#tail);
    this.#tail -= this.#head;
    this.#head = 0;
  }
}

const roomy = 1024;
