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

interface RealWait {
  readonly trace: TraceLog;
  readonly what: Predicate;
  readonly since: number;
  readonly withinMs: number;
  /** Ends the wait at once, as timed out. */
  readonly signal: AbortSignal | undefined;
}

/** How a lab waits whose time passes by itself. */
export function untilOnTheWall({ trace, what, since, withinMs, signal }: RealWait): Promise<'met' | 'timed out'> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(alarm);
      signal?.removeEventListener('abort', end);
      watch.end();
      resolve(watch.met ? 'met' : 'timed out');
    };
    const alarm = setTimeout(end, withinMs);
    const watch = new Watch(trace, what, since, () => void setImmediate(end));
    signal?.addEventListener('abort', end);
  });
}
