import type { Trace } from '../../../src/trace/trace.ts';
import type { Network } from '../../ladder/network.ts';
import { GrowingLadder } from './growing.ts';
import type { LadderOptions } from './growing.ts';

/** All of a trace at once. */
export const ladder = (trace: Trace, network: Network, options: LadderOptions): readonly string[] => new GrowingLadder(trace, network, options).grow(() => true, false).flat();
