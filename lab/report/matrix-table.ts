/** The matrix on paper: a row a lesson (in a version of IKE, on a backend), a column a box. Where names do not fit there are letters, and a legend. */
import stringWidth from 'string-width';
import { own } from '../matrix/cell.ts';
import type { Cell } from '../matrix/cell.ts';
import { kinds, verdictOf } from '../matrix/judge.ts';
import type { CellResult } from '../matrix/play.ts';
import { commandOf } from '../matrix/reproduce.ts';
import { plural } from '../wording.ts';
import { describeCell, looks, wrongsOf } from './matrix-words.ts';
import { letter, column, wrap } from './text.ts';
import type { Theme } from './theme.ts';

interface Options {
  readonly theme: Theme;
  readonly width: number;
  /** For the commands that play cells again. */
  readonly folders: readonly string[];
  readonly write: (line: string) => void;
}

/** All of it. */
export function tellMatrix(cells: readonly Cell[], results: readonly CellResult[], options: Options): void {
  const { width, write, theme } = options;
  const boxes = boxesOf(results);
  const rows = rowsOf(results);
  const nameWidth = Math.min(Math.max(0, ...rows.map(({ name }) => stringWidth(name))) + 2, Math.floor(width / 2));
  const wordWidths = boxes.map((box) => Math.max(stringWidth(boxName(box)), ...results.filter(({ cell }) => cell.nat === box).map(({ kind }) => stringWidth(looks[kind].words) + 2)) + 2);
  write('');
  if (nameWidth + wordWidths.reduce((sum, one) => sum + one, 0) <= width) {
    const line = (name: string, texts: readonly string[]): void => write(`${column(name, nameWidth)}${texts.map((text, i) => column(text, wordWidths[i]!)).join('')}`.trimEnd());
    if (boxes.length > 1 || boxes[0] !== own) line('', boxes.map((box) => theme.faint(boxName(box))));
    for (const row of rows) line(theme.node(row.name), boxes.map((box) => wordFor(row.byBox.get(box), theme)));
  } else {
    const perPanel = Math.max(1, Math.floor((width - nameWidth) / 3));
    for (let from = 0; from < boxes.length; from += perPanel) {
      const panel = boxes.slice(from, from + perPanel);
      if (from > 0) write('');
      write(theme.faint(`${' '.repeat(nameWidth)}${panel.map((_, i) => column(letter(from + i), 3)).join('')}`.trimEnd()));
      for (const { name, byBox } of rows) {
        const signs = panel.map((box) => column(signFor(byBox.get(box), theme), 3)).join('').trimEnd();
        if (stringWidth(name) >= nameWidth) write(`${theme.node(wrap(name, width))}\n${' '.repeat(nameWidth)}${signs}`);
        else write(`${theme.node(column(name, nameWidth))}${signs}`);
      }
    }
    write(`\n${theme.faint(wrap(boxes.map((box, i) => `${letter(i)} ${boxName(box)}`.replaceAll(' ', '\u00a0')).join(', '), width).replaceAll('\u00a0', ' '))}`);
    write(theme.faint(wrap(kinds.filter((kind) => results.some((one) => one.kind === kind)).map((kind) => `${looks[kind].sign} ${looks[kind].words}`.replaceAll(' ', '\u00a0')).join(', '), width).replaceAll('\u00a0', ' ')));
  }
  if (rows.some(({ byBox }) => byBox.size < boxes.length)) write(theme.faint(wrap('blank: the box is the lesson\'s own, or makes no difference to it', width)));
  tellReasons(results, options);
  tellWrongs(results, options);
  write(`\n${wrap(summary(cells, results), width, '  ')}`);
}

/** `84 cells: 60 work, 20 fail as foreseen, 4 unsupported here` */
export function summary(cells: readonly Cell[], results: readonly CellResult[]): string {
  const counts = kinds.flatMap((kind) => {
    const n = results.filter((one) => one.kind === kind).length;
    return n === 0 ? [] : [`${n} ${counted[kind][n === 1 ? 0 : 1]}`];
  });
  const missing = cells.length - results.length;
  return `${plural(cells.length, 'cell')}: ${[...counts, ...(missing > 0 ? [`${missing} not played`] : [])].join(', ')}`;
}

/** After a number: one, several. */
const counted: Readonly<Record<CellResult['kind'], readonly [one: string, several: string]>> = {
  'works': ['works', 'work'],
  'fails-as-foreseen': ['fails as foreseen', 'fail as foreseen'],
  'does-not-apply': ['does not apply', 'do not apply'],
  'unforeseen': ['came out otherwise than foreseen', 'came out otherwise than foreseen'],
  'inconclusive': ['is inconclusive', 'are inconclusive'],
  'unsupported': ['is unsupported here', 'are unsupported here'],
  'overran': ['took too long', 'took too long'],
  'broke': ['broke the lab', 'broke the lab'],
};

export interface Row {
  readonly name: string;
  readonly byBox: ReadonlyMap<string, CellResult>;
}

/** The columns: the lessons' own boxes first. */
export const boxesOf = (results: readonly CellResult[]): readonly string[] => distinct([own, ...results.map(({ cell }) => cell.nat)]).filter((box) => results.some(({ cell }) => cell.nat === box));

/** Versions of IKE and backends are told where there are several. */
export function rowsOf(results: readonly CellResult[]): readonly Row[] {
  const [modes, backends] = [distinct(results.map(({ cell }) => cell.ike)), distinct(results.map(({ cell }) => cell.backend))];
  const rows = new Map<string, Map<string, CellResult>>();
  for (const result of results) {
    const { scenario, ike, backend, nat } = result.cell;
    const name = [scenario, ...(modes.length > 1 || modes[0] !== own ? [ike === own ? 'own IKE' : ike] : []), ...(backends.length > 1 ? [backend] : [])].join(' ');
    rows.set(name, (rows.get(name) ?? new Map<string, CellResult>()).set(nat, result));
  }
  return [...rows].map(([name, byBox]) => ({ name, byBox }));
}

const distinct = <Value>(values: readonly Value[]): readonly Value[] => [...new Set(values)];
export const boxName = (nat: string): string => (nat === own ? 'its own boxes' : nat);
const signFor = (result: CellResult | undefined, theme: Theme): string => (result === undefined ? ' ' : theme[looks[result.kind].tone](looks[result.kind].sign));
const wordFor = (result: CellResult | undefined, theme: Theme): string => (result === undefined ? '' : `${signFor(result, theme)} ${theme[looks[result.kind].tone](looks[result.kind].words)}`);

/** Why what is not wrong does not work: each reason once. */
function tellReasons(results: readonly CellResult[], { theme, width, write }: Options): void {
  for (const kind of ['fails-as-foreseen', 'does-not-apply', 'unsupported'] as const) {
    const counts = new Map<string, number>();
    for (const { acts } of results) for (const why of new Set(acts.flatMap((act) => (act.kind === kind ? [act.why!] : [])))) counts.set(why, (counts.get(why) ?? 0) + 1);
    if (counts.size === 0) continue;
    write(`\n${theme.faint(`${looks[kind].sign} ${looks[kind].words}, for`)}`);
    for (const [why, n] of counts) write(theme.faint(`    ${wrap(`${why} (${n})`, width, '    ')}`));
  }
}

function tellWrongs(results: readonly CellResult[], { theme, width, write, folders }: Options): void {
  for (const result of results) {
    if (!isWrong(result)) continue;
    const { sign, tone, words } = looks[result.kind];
    write(`\n${theme[tone](sign)} ${wrap(`${describeCell(result.cell)}: ${theme[tone](words)}`, width, '  ')}`);
    for (const { what, lines } of wrongsOf(result)) {
      write(`    ${wrap(what, width, '      ')}`);
      for (const line of lines) write(theme.faint(`      ${wrap(line, width, '      ')}`));
    }
    write(`    ${theme.strong(`again: ${commandOf(result, folders)}`)}`);
  }
}

export const isWrong = ({ kind }: Pick<CellResult, 'kind'>): boolean => verdictOf[kind] === 'fail' || verdictOf[kind] === 'inconclusive';
