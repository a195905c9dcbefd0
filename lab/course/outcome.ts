/** What became of the learner's predictions, at a terminal as in a browser. */
import { plural } from '../wording.ts';

export const outcomes = ['right', 'wrong', 'none'] as const;
/** `none`: the lesson was seen without a prediction. */
export type Outcome = (typeof outcomes)[number];
/** By lesson. */
export type Progress = Readonly<Record<string, Outcome>>;

export const marks: Readonly<Record<Outcome, string>> = { right: '✓', wrong: '✗', none: '–' };

/** How far a learner has come through these lessons, as a sentence. */
export function standing(progress: Progress, lessons: readonly string[]): string {
  const done = lessons.map((id) => progress[id]).filter((outcome) => outcome !== undefined);
  const right = done.filter((outcome) => outcome === 'right').length;
  const predicted = done.filter((outcome) => outcome !== 'none').length;
  return `${plural(done.length, 'lesson')} of ${lessons.length} done, ${right} of ${plural(predicted, 'prediction')} right.`;
}
