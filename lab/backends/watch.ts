import type { TraceLog } from '../../src/trace/trace.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import type { Predicate } from './backend.ts';

/** Shows a predicate every event from number `since` on, those that are there already first, until it has seen enough. */
export class Watch {
  readonly #what: Predicate;
  readonly #stop: () => void;
  readonly #whenMet: () => void;
  #met = false;

  constructor(trace: TraceLog, what: Predicate, since: number, whenMet: () => void = () => undefined) {
    this.#what = what;
    this.#whenMet = whenMet;
    this.#stop = trace.listen((event) => this.#show(event));
    const first = trace.events[0]?.seq ?? 0;
    for (const event of trace.events.slice(Math.max(0, since - first))) this.#show(event);
  }

  get met(): boolean {
    return this.#met;
  }

  end(): void {
    this.#stop();
  }

  #show(event: TraceEvent): void {
    if (this.#met || !this.#what.sees(event)) return;
    this.#met = true;
    this.#whenMet();
  }
}
