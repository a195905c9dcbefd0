/** Colours and marks. Every mark is a word or a sign of its own, so that it reads without colour. */
import { Chalk, supportsColor } from 'chalk';
import type { ChalkInstance } from 'chalk';
import type { Verdict } from '../checks/check.ts';

export interface Theme {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly doubt: (text: string) => string;
  readonly node: (text: string) => string;
}

/** Colour only for a terminal, and never against NO_COLOR or --no-color. */
export function themeFor(stream: { readonly isTTY?: boolean }, color: boolean): Theme {
  const wanted = color && stream.isTTY === true && process.env['NO_COLOR'] === undefined && supportsColor !== false;
  const chalk: ChalkInstance = new Chalk({ level: wanted ? 1 : 0 });
  return { strong: chalk.bold, faint: chalk.dim, good: chalk.green, bad: chalk.red, doubt: chalk.yellow, node: chalk.cyan };
}

export const marks: Record<Verdict, { readonly sign: string; readonly word: string; readonly tone: keyof Theme }> = {
  pass: { sign: '✓', word: 'PASS', tone: 'good' },
  fail: { sign: '✗', word: 'FAIL', tone: 'bad' },
  inconclusive: { sign: '?', word: 'INCONCLUSIVE', tone: 'doubt' },
  unsupported: { sign: '–', word: 'UNSUPPORTED', tone: 'faint' },
};

export const sign = (theme: Theme, verdict: Verdict): string => theme[marks[verdict].tone](marks[verdict].sign);
export const word = (theme: Theme, verdict: Verdict): string => theme[marks[verdict].tone](marks[verdict].word);
