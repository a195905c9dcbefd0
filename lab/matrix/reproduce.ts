/** The one command that plays a cell again and tells all of it. */
import { programName } from '../own-modules.ts';
import { forShell } from '../wording.ts';
import type { Cell } from './cell.ts';
import { own } from './cell.ts';
import { verdictOf } from './judge.ts';
import type { CellResult } from './play.ts';

/** Of a cell that came out wrong, those acts that did. */
export function commandOf({ cell, acts }: Pick<CellResult, 'cell' | 'acts'>, folders: readonly string[]): string {
  const wrong = acts.filter(({ kind }) => verdictOf[kind] !== 'pass').map(({ act }) => act);
  return [lab, ...words(cell, wrong.length > 0 ? wrong : cell.acts, folders).map(forShell)].join(' ');
}

/** As `run` takes them. */
function words({ scenario, nat, ike, backend, seed, set }: Cell, acts: readonly string[], folders: readonly string[]): readonly string[] {
  const option = (name: string, ...values: readonly string[]): string[] => values.flatMap((value) => [`--${name}`, value]);
  return [scenario, ...option('scenarios', ...folders), ...option('act', ...acts), ...(nat === own ? [] : option('nat', nat)), ...(ike === own ? [] : option('ike', ike)), ...(backend === 'sim' ? [] : option('backend', backend)), ...option('set', ...set), ...option('seed', String(seed))];
}

/** Of a checkout a script of npm, of the package its program. */
const lab = programName === 'lab' ? 'npm run lab --' : `npx ${programName}`;
