/** A box that is full lets nobody new out, whatever is asked. Silence says something of the question only while a plain one is answered. */
import type { IpAddress } from '../core/address.ts';
import type { Bench, Server } from './bench.ts';
import { found, notMeasured, type Finding } from './classification.ts';
import type { Experiment } from './experiment.ts';

export const full = 'nothing new gets out any more: the box is full, or gives a host no more';

/** What is found when nothing came back, unless a new flow of the same host brings nothing back either. */
export function* silent<Value>(bench: Bench, { primary }: Server, value: Value, host: IpAddress = bench.first): Experiment<Finding<Value>> {
  const answer = yield* bench.askOne({ from: bench.fresh(host), to: primary });
  return answer === undefined ? notMeasured(full) : found(value);
}
