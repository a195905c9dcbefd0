import { milliseconds } from '../core/time.ts';
import type { Impairment } from './plan.ts';

const perfect: Impairment = { latency: milliseconds(0), jitter: milliseconds(0), loss: 0, duplication: 0, reordering: 0, reorderDelay: milliseconds(0) };
const distant: Impairment = { ...perfect, latency: milliseconds(10) };

/** What paths do to packets, by name. */
export const impairments = {
  perfect,
  /** A switched network in one building. */
  lan: { ...perfect, latency: milliseconds(0.1) },
  /** A wide-area path of good quality. */
  wan: distant,
  /** Delays vary by as much as they last: packets overtake one another now and then. */
  jittery: { ...distant, jitter: milliseconds(10) },
  /** Every twentieth packet is lost. */
  lossy: { ...distant, loss: 0.05 },
  /** Every third packet comes twice. */
  duplicating: { ...distant, duplication: 1 / 3 },
  /** Every third packet is overtaken by those that follow within 30 ms. */
  reordering: { ...distant, reordering: 1 / 3, reorderDelay: milliseconds(30) },
  /** A bad radio link: everything at once and none of it rare. */
  hostile: { latency: milliseconds(40), jitter: milliseconds(20), loss: 0.1, duplication: 0.1, reordering: 0.2, reorderDelay: milliseconds(60) },
} as const satisfies Record<string, Impairment>;
