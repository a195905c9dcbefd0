/** The lessons in teaching order, with the question that goes before each. */
import { scenarios } from '../scenarios/index.ts';
import { chapters } from '../scenarios/scenario.ts';
import type { Chapter, Scenario } from '../scenarios/scenario.ts';
import { programName } from '../own-modules.ts';
import { questions } from './questions.ts';
import type { Question } from './questions.ts';

export interface Lesson {
  readonly scenario: Scenario;
  readonly chapter: Chapter;
  /** Counted from 1. */
  readonly number: number;
  readonly question: Question;
  /** The choices as they are shown: not always in the order in which they were written. */
  readonly choices: readonly { readonly letter: Letter; readonly text: string; readonly isRight: boolean }[];
}

export const letters = ['a', 'b', 'c'] as const;
export type Letter = (typeof letters)[number];

/** The command to go on with. */
export const toTry = ({ question }: Lesson): string => `${programName === 'lab' ? 'npm run lab --' : programName} ${question.tryIt.join(' ')}`;

export const syllabus: readonly Lesson[] = chapters
  .flatMap((chapter) => scenarios.filter((scenario) => scenario.chapter === chapter).map((scenario) => ({ scenario, chapter })))
  .map(({ scenario, chapter }, i) => {
    const question = questions[scenario.id]!;
    const choices = letters.map((letter, place) => {
      const written = (place + i) % letters.length;
      return { letter, text: question.choices[written]!, isRight: written === question.right };
    });
    return { scenario, chapter, number: i + 1, question, choices };
  });
