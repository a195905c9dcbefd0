import type { Trace } from '../../../src/trace/trace.ts';
import type { Network } from '../../ladder/network.ts';
import { GrowingLadder } from './growing.ts';
import type { LadderOptions } from './growing.ts';

/** All of a trace at once, or what has begun after an event. */
export const ladder = (trace: Trace, network: Network, options: LadderOptions, after?: number): readonly string[] => new GrowingLadder(trace, network, options, after).grow(() => true, false).flat();
