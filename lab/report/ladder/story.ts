/** Tells an act as a ladder: all of it when it is over; where time is real, as things come about; with somebody who holds it, step by step. */
import { setTimeout as pause } from 'node:timers/promises';
import type { TraceEvent } from '../../../src/trace/events.ts';
import type { TraceLog } from '../../../src/trace/trace.ts';
import { networkOf } from '../../ladder/network.ts';
import type { Topology } from '../../topology/plan.ts';
import type { Story, StoryOf } from '../terminal.ts';
import { GrowingLadder } from './growing.ts';
import type { LadderOptions, Piece } from './growing.ts';

export interface LadderStoryOptions extends LadderOptions {
  readonly write: (line: string) => void;
  readonly clock: 'virtual' | 'real';
  /** A terminal can take back what may still change: how many lines it has. */
  readonly height?: number | undefined;
  /** Waits until the listener wants to go on. */
  readonly hold?: (() => Promise<void>) | undefined;
}

export const ladderStory = (options: LadderStoryOptions): StoryOf => (topology, trace) => new LadderStory(options, topology, trace);

/** How often a real clock is looked at. */
const tick = 1000;
/** What is on its way when a step is told has arrived a little later, and interfaces have told of it. */
const lag = 250;

class LadderStory implements Story {
  readonly #options: LadderStoryOptions;
  readonly #trace: TraceLog;
  readonly #ladder: GrowingLadder;
  readonly #telling: Promise<void>;
  #isOver = false;
  #wake: () => void = () => undefined;
  /** The last event at the last tick: what has not changed since then will not. */
  #known = -1;
  #sinceHold = 0;
  /** Lines at the end that may still change. */
  #provisional = 0;

  constructor(options: LadderStoryOptions, topology: Topology, trace: TraceLog) {
    [this.#options, this.#trace] = [options, trace];
    this.#ladder = new GrowingLadder(trace, networkOf(topology, {}), options);
    trace.listen(({ body }) => {
      if (body.kind === 'step') this.#wake();
    });
    this.#telling = this.#tell();
  }

  async finish(): Promise<void> {
    this.#isOver = true;
    this.#wake();
    await this.#telling;
    await this.#show(this.#ladder.grow(() => true, false));
    await this.#hold();
    this.#write(['']);
  }

  /** The act goes on, however long the listener thinks about a step: on a real clock mappings expire, and what comes of that is no part of the lesson. */
  async #tell(): Promise<void> {
    for (;;) {
      const step = this.#nextStep();
      if (step !== undefined) {
        if (this.#options.clock === 'real') await pause(lag);
        await this.#show(this.#ladder.grow(({ first }) => first <= step.seq, false));
        await this.#hold();
      } else if (this.#isOver) return;
      else await this.#watch();
    }
  }

  /** That the listener has not been told of. Virtual time is over in no time, so its story begins when the act is over. */
  #nextStep(): TraceEvent | undefined {
    const { hold, clock } = this.#options;
    return hold === undefined || (clock === 'virtual' && !this.#isOver) ? undefined : this.#trace.of('step').find(({ seq }) => seq > this.#ladder.until);
  }

  /** Until the next step, or the end. */
  async #watch(): Promise<void> {
    const timer = this.#options.clock === 'real' ? setInterval(() => this.#look(), tick).unref() : undefined;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    clearInterval(timer);
  }

  /** Draws what will not change any more, and on a terminal below it what may. */
  #look(): void {
    const known = this.#known;
    this.#known = this.#trace.nextSeq - 1;
    const done = this.#ladder.grow(({ last }) => last <= known, true).flat();
    const { height } = this.#options;
    const open = height === undefined ? [] : this.#ladder.open().slice(2 - height);
    this.#write([...done, ...open]);
    this.#sinceHold += done.length;
    this.#provisional = open.length;
  }

  /** Whoever holds the story sees no more than a screen at once. */
  async #show(pieces: readonly Piece[]): Promise<void> {
    const { hold, height = Infinity } = this.#options;
    for (const lines of pieces) {
      if (hold !== undefined && this.#sinceHold > 0 && this.#sinceHold + lines.length > height - 2) await this.#hold();
      this.#write(lines);
      this.#sinceHold += lines.length;
    }
  }

  async #hold(): Promise<void> {
    await this.#options.hold?.();
    this.#sinceHold = 0;
  }

  /** Over what may have changed. */
  #write(lines: readonly string[]): void {
    const [first, ...others] = lines;
    if (first === undefined) return;
    this.#options.write(this.#provisional > 0 ? `\u001b[${this.#provisional}A\u001b[J${first}` : first);
    this.#provisional = 0;
    for (const line of others) this.#options.write(line);
  }
}
