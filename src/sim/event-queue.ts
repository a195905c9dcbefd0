import { start, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';

/**
 * Virtual time: what is due when. Time stands still while something happens and jumps to the next thing that is due; things due at
 * the same instant come in the order in which they were put in. Each thing is in the queue once: putting it in again moves it.
 */
export class EventQueue<Thing> {
  readonly #due = new Timers<Thing>();
  #now: Instant;

  constructor(from: Instant = start) {
    this.#now = from;
  }

  get now(): Instant {
    return this.#now;
  }

  /** What is due in the past is due at once: time does not go back. */
  put(thing: Thing, at: Instant): void {
    const due = at < this.#now ? this.#now : at;
    if (this.#due.at(thing) !== due) this.#due.set(thing, due);
  }

  remove(thing: Thing): void {
    this.#due.cancel(thing);
  }

  get next(): Instant | undefined {
    return this.#due.next()?.at;
  }

  /** The next thing due not later than `limit`, with time moved to it; undefined, and time moved to the limit, when there is none. */
  take(limit: Instant): Thing | undefined {
    const next = this.#due.next();
    if (next === undefined || next.at > limit) {
      if (limit > this.#now) this.#now = limit;
      return undefined;
    }
    this.#now = next.at;
    return this.#due.take(next.at);
  }
}
