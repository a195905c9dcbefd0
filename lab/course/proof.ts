/** What a question's answer rests on: a check of an act, which must hold. */
import { Problem } from '../problem.ts';
import type { CheckResult } from '../run.ts';
import type { Question } from './questions.ts';
import type { Lesson } from './syllabus.ts';

export const actOf = ({ proof }: Question): string => proof.split('/')[0]!;

/** Throws a Problem if the lesson does not bear the answer out: the course would teach what is not so. */
export function proofAmong(checks: readonly CheckResult[], { scenario, question }: Lesson): CheckResult {
  const check = checks.find(({ id }) => id === question.proof)!;
  if (check.verdict !== 'pass') throw new Problem(`the lesson ${scenario.id} does not show what the course says: ${check.id}: ${check.observed}`, 3);
  return check;
}
