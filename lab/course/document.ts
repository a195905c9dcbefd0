/** What the course's page is made of, in a form that survives JSON. */
import type { Network } from '../ladder/network.ts';
import type { Letter } from './syllabus.ts';

export interface CourseDocument {
  readonly chapters: readonly { readonly title: string; readonly lessons: readonly CourseLesson[] }[];
}

export interface CourseLesson {
  readonly id: string;
  /** Counted from 1. */
  readonly number: number;
  readonly title: string;
  readonly asks: string;
  readonly choices: readonly { readonly letter: Letter; readonly text: string; readonly isRight: boolean }[];
  readonly because: string;
  /** The check that bears the answer out. */
  readonly proof: { readonly id: string; readonly claim: string; readonly ref?: string; readonly observed: string };
  /** The act that it is a check of. */
  readonly act: { readonly id: string; readonly title: string; readonly network: Network };
  readonly teaches: string;
  readonly refs: readonly string[];
  readonly command: string;
  /** The report of the lesson, seen from the page. */
  readonly report: string;
}
