import type { Duration } from '../../../src/core/time.ts';
import type { WorldPlan } from '../../../src/sim/plan.ts';
import type { LabOptions, Predicate } from '../backend.ts';
import { LinuxLab } from '../linux/lab.ts';
import { MininetGround } from './ground.ts';

export async function openMininet(plan: WorldPlan, options: LabOptions): Promise<MininetLab> {
  const ground = await MininetGround.build(plan);
  try {
    return new MininetLab(plan, ground, options);
  } catch (error) {
    await ground[Symbol.asyncDispose]();
    throw error;
  }
}

/** Lives as long as mininet does: without the driver there is no waiting for anything. */
export class MininetLab extends LinuxLab {
  readonly #ground: MininetGround;
  readonly #interruption: AbortSignal | undefined;

  constructor(plan: WorldPlan, ground: MininetGround, options: LabOptions) {
    super(plan, ground, { ...options, signal: AbortSignal.any([ground.driver.lost, ...(options.signal ? [options.signal] : [])]) });
    this.#ground = ground;
    this.#interruption = options.signal;
  }

  override async until(what: Predicate, within: Duration, since: number): Promise<'met' | 'timed out'> {
    const outcome = await super.until(what, within, since);
    this.#ground.driver.mustLive();
    return outcome;
  }

  override async settle(): Promise<void> {
    await super.settle();
    this.#ground.driver.mustLive();
  }

  /** An interruption closes it. */
  async prompt(output: 'stdout' | 'stderr'): Promise<void> {
    const { driver } = this.#ground;
    const hangUp = (): void => driver.interrupt();
    this.#interruption?.addEventListener('abort', hangUp);
    try {
      await driver.ask('prompt', { output });
    } catch (error) {
      if (!this.#interruption?.aborted) throw error;
      driver.end(); // a node's shell may be at work still, and wait for ever
    } finally {
      this.#interruption?.removeEventListener('abort', hangUp);
    }
  }
}
