/** What a finding is: a pure question to what a capture shows. */
import type { Sighting } from './facts.ts';
import type { Question } from './questions.ts';
import type { View } from './view.ts';

export interface Conclusion {
  /** What is seen in this capture, with its addresses: one or two sentences. */
  readonly says: string;
  /** Frame numbers, as Wireshark counts. */
  readonly evidence: readonly number[];
  /** `seen` on the wire itself, or what fits best from where it was captured. */
  readonly certainty: 'seen' | 'likely';
  /** What needs no other explanation. */
  readonly explains: readonly Question[];
}

export interface Finding {
  readonly id: string;
  /** The cause, in a few words. */
  readonly title: string;
  readonly ref?: string;
  /** What to do next: one or two sentences. */
  readonly next: string;
  find(view: View): Conclusion | undefined;
}

/** The conclusion from some open questions; none from no questions. */
export function from(questions: readonly Question[], certainty: Conclusion['certainty'], say: (first: Question) => string, more: readonly number[] = []): Conclusion | undefined {
  const [first] = questions;
  if (first === undefined) return undefined;
  const frames = questions.flatMap(({ item }) => item.sightings.flatMap((one) => (one.first.frame === one.last.frame ? [one.first.frame] : [one.first.frame, one.last.frame])));
  return { says: say(first), evidence: [...new Set([...more, ...frames])].sort((a, b) => a - b), certainty, explains: questions };
}

export const frameOf = ({ first }: Sighting): number => first.frame;
