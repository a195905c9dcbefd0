import { Problem } from '../problem.ts';
import type { Session } from './session.ts';

/** A command of the prompt. */
export interface Verb {
  /** One word, or two: `nat table`. */
  readonly name: string;
  /** What may follow: `HOST ADDRESS [COUNT]`. A word in brackets may be left out; one that ends in `…` may be repeated. */
  readonly takes?: string;
  /** What it does: one sentence without its full stop. */
  readonly does: string;
  /** What could stand at each place, for completion; the last one holds for all that follow. */
  readonly offers?: readonly ((session: Session) => readonly string[])[];
  run(session: Session, words: readonly string[]): Promise<void> | void;
}

export const usageOf = ({ name, takes = '' }: Verb): string => `${name} ${takes}`.trim();

/** Refuses what is missing or too much, by what the verb takes. */
export function checkWords(verb: Verb, words: readonly string[]): void {
  const places = (verb.takes ?? '').split(' ').filter((place) => place !== '');
  const needed = places.filter((place) => !place.startsWith('[')).length;
  const endless = places.some((place) => place.replace(/\]$/, '').endsWith('…'));
  if (words.length < needed || (!endless && words.length > places.length)) throw new Problem(`expected: ${usageOf(verb)}`);
}
