import type { Instant } from './time.ts';

/** When a machine wants to be woken, and why: the reason is shown to people who learn from it. */
export interface WakeUp {
  readonly at: Instant;
  readonly reason: string;
}

/**
 * A state machine without I/O, clock or randomness of its own. The order of calls is the law:
 *
 *  1. `handle(now, input)` or `wake(now)`: the only two that change its state. `now` never goes back.
 *  2. `poll()` until it returns undefined: what the machine wants done, in order.
 *  3. `nextWake()`: when it must be woken, if nothing else comes first.
 *
 * `wake()` called early is a no-op. Whatever bytes an input carries, `handle` does not throw: a peer's bad packet comes out as a
 * drop with a reason. An exception is a bug of ours.
 */
export interface Machine<Input, Output> {
  handle(now: Instant, input: Input): void;
  wake(now: Instant): void;
  poll(): Output | undefined;
  nextWake(): WakeUp | undefined;
}

/** Everything a machine has to say for now. */
export function drain<Output>(machine: Pick<Machine<never, Output>, 'poll'>): Output[] {
  const outputs: Output[] = [];
  for (let output = machine.poll(); output !== undefined; output = machine.poll()) outputs.push(output);
  return outputs;
}
