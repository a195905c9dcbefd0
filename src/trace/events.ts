import type { Bodies, Happening, Layer } from '../core/events.ts';
import type { Instant } from '../core/time.ts';

/**
 * One thing that happened. `seq` is the order of recording and unique in a run of a scenario, `at` is when it happened; on real
 * backends neighbours may be recorded a little out of order.
 */
export type TraceEvent = Happening & {
  readonly seq: number;
  readonly at: Instant;
  readonly node: string;
  /** The event that led to this one. */
  readonly cause?: number;
};

export type TraceBody = Bodies[Layer];
export type Kind = TraceBody['kind'];
