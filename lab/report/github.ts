/** What GitHub shows of a matrix: annotations, which it reads from standard output, and a summary of the job in Markdown. */
import { kinds } from '../matrix/judge.ts';
import type { Cell } from '../matrix/cell.ts';
import type { CellResult } from '../matrix/play.ts';
import { commandOf } from '../matrix/reproduce.ts';
import { isWrong, summary } from './matrix-table.ts';
import { describeCell, looks, wrongsOf } from './matrix-words.ts';

/** GitHub shows ten of a step. */
const most = 10;

/** A workflow command a cell that came out wrong. */
export function annotations(results: readonly CellResult[], folders: readonly string[]): readonly string[] {
  const wrong = results.filter(isWrong);
  const shown = wrong.length > most ? wrong.slice(0, most - 1) : wrong;
  const lines = shown.map((result) => command(describeCell(result.cell), [...wrongsOf(result).flatMap(({ what, lines: its }) => [what, ...its]), `again: ${commandOf(result, folders)}`].join('\n')));
  return shown.length === wrong.length ? lines : [...lines, command('The matrix', `${wrong.length - shown.length} more cells came out wrong: see the summary of the job`)];
}

const command = (title: string, message: string): string => `::error title=${escaped(title).replaceAll(':', '%3A').replaceAll(',', '%2C')}::${escaped(message)}`;
const escaped = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

/** Counts, and what came out wrong with the command that plays it again. */
export function jobSummary(cells: readonly Cell[], results: readonly CellResult[], folders: readonly string[]): string {
  const counts = kinds.flatMap((kind) => {
    const n = results.filter((one) => one.kind === kind).length;
    return n === 0 ? [] : [`| ${looks[kind].sign} ${looks[kind].words} | ${n} |`];
  });
  const wrong = results.filter(isWrong).map((result) => {
    const text = wrongsOf(result).map(({ what, lines }) => [`- ${inline(what)}`, ...lines.map((line) => `  - ${inline(line)}`)].join('\n')).join('\n');
    return `<details><summary>${looks[result.kind].sign} ${html(describeCell(result.cell))}: ${looks[result.kind].words}</summary>\n\n${text}\n\n\`\`\`sh\n${commandOf(result, folders)}\n\`\`\`\n\n</details>`;
  });
  return `## natt-lab: ${summary(cells, results)}\n\n| cells | |\n| --- | ---: |\n${counts.join('\n')}\n${wrong.length === 0 ? '' : `\n${wrong.join('\n')}\n`}\n`;
}

const html = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
/** As it stands, whatever of Markdown is in it. */
const inline = (text: string): string => html(text).replace(/[\\`*_[\]|~#]/g, '\\$&');
