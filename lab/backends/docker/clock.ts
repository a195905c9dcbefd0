/** The lab's time as the orchestrator reads it, who may be on another machine than the engine: zero is agreed upon when the lab opens. */
import type { Instant } from '../../../src/core/time.ts';
import type { Conversation } from './conversation.ts';

export class RemoteClock {
  readonly rate: number;
  /** Zero on the engine's monotonic clock, which all containers share. */
  readonly zero: number;
  readonly #zeroHere: number;

  /** Asks a few times: the answer that came fastest says best what the engine's clock shows, to within half of its way there and back. */
  static async agreedWith(agent: Conversation, rate: number, version: 1): Promise<RemoteClock> {
    let best = { took: Infinity, here: 0, there: 0 };
    for (let attempt = 0; attempt < 5; attempt++) {
      const asked = performance.now();
      const { clock } = await agent.ask<'hello'>({ kind: 'hello', version });
      const took = performance.now() - asked;
      if (took < best.took) best = { took, here: asked + took / 2, there: clock };
    }
    return new RemoteClock(rate, best.here, best.there);
  }

  private constructor(rate: number, here: number, there: number) {
    this.rate = rate;
    this.#zeroHere = performance.now();
    this.zero = there + (this.#zeroHere - here);
  }

  now(): Instant {
    return ((performance.now() - this.#zeroHere) * this.rate) as Instant;
  }

  /** How long to wait for an instant, in milliseconds of the wall's time. */
  untilMs(at: Instant): number {
    return Math.max(0, (at - this.now()) / this.rate);
  }
}
