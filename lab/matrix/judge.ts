/**
 * Whether a cell came out as it should. Behind the boxes of its own a lesson holds. Behind any other the oracle of the zoo says what will become of
 * it: a lesson that fails where it must has done its part, and one that holds where it cannot is a surprise.
 */
import type { Backend } from '../backends/backend.ts';
import type { Verdict } from '../checks/check.ts';
import { overall } from '../run.ts';
import type { ActResult } from '../run.ts';
import { describeOutcome, isAsForeseen, whatCameOf } from '../zoo/cells.ts';
import type { Cell as ZooCell } from '../zoo/cells.ts';
import type { Forecast } from '../zoo/oracle.ts';
import { own } from './cell.ts';
import type { Cell } from './cell.ts';

/**
 * What came of a cell, in a word. `works`: its claims hold. `fails-as-foreseen`: not all, and not otherwise than the box lets one expect.
 * `does-not-apply`: the box is not what the lesson is about. `unforeseen`: neither. `overran`: it took longer than a cell may. `broke`: the
 * lab itself failed, and nothing was learned.
 */
export const kinds = ['works', 'fails-as-foreseen', 'does-not-apply', 'unforeseen', 'inconclusive', 'unsupported', 'overran', 'broke'] as const;
export type Kind = (typeof kinds)[number];

export const verdictOf: Readonly<Record<Kind, Verdict>> = {
  'works': 'pass',
  'fails-as-foreseen': 'pass',
  'does-not-apply': 'pass',
  'unforeseen': 'fail',
  'inconclusive': 'inconclusive',
  'unsupported': 'unsupported',
  'overran': 'fail',
  'broke': 'fail',
};

/** One act of a cell. */
export interface Judgement {
  readonly act: string;
  readonly kind: Kind;
  readonly expected: string;
  readonly observed: string;
  /** What of the box, or of this machine, is in the way. */
  readonly why?: string;
}

export function judge({ scenario, nat }: Pick<Cell, 'scenario' | 'nat'>, played: ActResult, clock: Backend['clock']): Judgement {
  const cell = { lesson: scenario, act: played.act.id, preset: nat, ...whatCameOf(scenario, played) };
  const { outcome } = cell;
  const forecast = nat === own ? undefined : cell.forecast;
  const judged = { act: cell.act, expected: forecast === undefined ? 'all that it claims holds' : foreseen(forecast), observed: `${describeOutcome(outcome)}${'why' in outcome ? `: ${outcome.why}` : ''}` };
  if (outcome.kind === 'unsupported') return { ...judged, kind: 'unsupported', why: outcome.why };
  if (forecast === undefined ? outcome.kind === 'works' : isAsSaid({ ...cell, forecast }, clock)) {
    if (forecast === undefined || forecast.works) return { ...judged, kind: 'works' };
    return { ...judged, kind: forecast.applies ? 'fails-as-foreseen' : 'does-not-apply', why: `the box ${forecast.why}` };
  }
  return { ...judged, kind: overall(played.checks) === 'inconclusive' ? 'inconclusive' : 'unforeseen' };
}

/** Where time is real a message may be late for the machine's sake. */
const isAsSaid = (cell: ZooCell & { readonly forecast: Forecast }, clock: Backend['clock']): boolean => (clock === 'virtual' ? isAsForeseen(cell) : (cell.outcome.kind === 'works') === cell.forecast.works);

const foreseen = (forecast: Forecast): string => (forecast.works ? `works${forecast.late ? ', after a while' : ''}` : `fails, for the box ${forecast.why}`);

/** The worst decides; a cell works or fails as a whole where one act of it does. */
export function together(acts: readonly Judgement[]): Kind {
  const found = new Set(acts.map(({ kind }) => kind));
  return (['broke', 'overran', 'unforeseen', 'inconclusive', 'fails-as-foreseen', 'works', 'does-not-apply', 'unsupported'] as const).find((kind) => found.has(kind)) ?? 'inconclusive';
}
