/**
 * Experiments are written as what is done, one thing after the other: generators that stop where there is something to wait for. The prober, a machine
 * like any other, goes on with them when it has come or when its time is up.
 */
import type { Instant } from '../core/time.ts';

/** What an experiment waits for: an instant, or something that is there before. */
export interface Pause {
  readonly at: Instant;
  readonly reason: string;
  readonly ready?: () => boolean;
}

export type Experiment<Result> = Generator<Pause, Result, void>;

/** An experiment that has begun, as far as it has come. */
export class Run<Result> {
  readonly #experiment: Experiment<Result>;
  #pause: Pause | undefined;
  #result: Result | undefined;

  constructor(experiment: Experiment<Result>) {
    this.#experiment = experiment;
    this.#step();
  }

  /** Goes on as far as it can at this instant. */
  continue(now: Instant): void {
    while (this.#pause !== undefined && (now >= this.#pause.at || this.#pause.ready?.() === true)) this.#step();
  }

  /** What it waits for; undefined when it is over. */
  get pause(): Pause | undefined {
    return this.#pause;
  }

  /** Only of one that is over. */
  get result(): Result {
    return this.#result as Result;
  }

  #step(): void {
    const { done, value } = this.#experiment.next();
    this.#pause = done === true ? undefined : value;
    if (done === true) this.#result = value;
  }
}

/** Several at once; over when all are. `clock`: the time as of now. */
export function* together<Results extends readonly unknown[]>(clock: { readonly now: Instant }, ...experiments: { readonly [K in keyof Results]: Experiment<Results[K]> }): Experiment<Results> {
  const runs = experiments.map((experiment) => new Run<unknown>(experiment));
  for (;;) {
    const waiting = runs.flatMap(({ pause }) => pause ?? []);
    if (waiting.length === 0) return runs.map(({ result }) => result) as unknown as Results;
    yield { ...waiting.reduce((first, next) => (next.at < first.at ? next : first)), ready: () => waiting.some((pause) => pause.ready?.() === true) };
    for (const run of runs) run.continue(clock.now);
  }
}
