/** What comes of a cell, in the words and signs of every report. A sign says it without colour. */
import type { Kind } from '../matrix/judge.ts';
import type { Cell } from '../matrix/cell.ts';
import { own } from '../matrix/cell.ts';
import type { CellResult } from '../matrix/play.ts';
import type { Theme } from './theme.ts';

export const looks: Readonly<Record<Kind, { readonly sign: string; readonly words: string; readonly tone: keyof Theme }>> = {
  'works': { sign: '✓', words: 'works', tone: 'good' },
  'fails-as-foreseen': { sign: '≈', words: 'fails as foreseen', tone: 'doubt' },
  'does-not-apply': { sign: '·', words: 'does not apply', tone: 'faint' },
  'unforeseen': { sign: '✗', words: 'otherwise than foreseen', tone: 'bad' },
  'inconclusive': { sign: '?', words: 'inconclusive', tone: 'bad' },
  'unsupported': { sign: '–', words: 'unsupported here', tone: 'faint' },
  'overran': { sign: '…', words: 'took too long', tone: 'bad' },
  'broke': { sign: '!', words: 'the lab broke', tone: 'bad' },
};

/** `keepalive behind symmetric, IKE v1, on netns` */
export const describeCell = ({ scenario, nat, ike, backend }: Cell): string =>
  `${scenario}${nat === own ? '' : ` behind ${nat}`}${ike === own ? '' : `, IKE ${ike}`}, on ${backend}`;

export interface Wrong {
  readonly what: string;
  readonly lines: readonly string[];
}

/** What is wrong with a cell, claim by claim: each with what was expected, what was seen, and where. */
export function wrongsOf({ acts, result, reason, trace, kind }: CellResult): readonly Wrong[] {
  if (kind === 'broke' || kind === 'overran') return [{ what: looks[kind].words, lines: (reason ?? '').split('\n') }];
  return acts.flatMap(({ act, kind: its, expected: foreseen, observed: came }) => {
    if (its !== 'unforeseen' && its !== 'inconclusive') return [];
    const failed = (result?.checks ?? []).filter((check) => check.id.startsWith(`${act}/`) && (check.verdict === 'fail' || check.verdict === 'inconclusive'));
    const where = (evidence: readonly number[]): readonly string[] => (trace === undefined ? [] : [`trace: ${trace}${evidence.length === 0 ? '' : `, events ${evidence.slice(0, 5).join(', ')}`}`]);
    if (failed.length === 0) return [{ what: `${act}: otherwise than foreseen`, lines: [`expected: ${foreseen}`, `observed: ${came}`, ...where([])] }];
    return failed.map(({ id, claim, ref, expected, observed, evidence }) => ({
      what: `${id}: ${claim}${ref === undefined ? '' : ` (${ref})`}`,
      lines: [`expected: ${expected}`, `observed: ${observed}`, ...where(evidence)],
    }));
  });
}
