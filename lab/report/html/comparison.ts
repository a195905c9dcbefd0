/** What `--compare` asks for: two acts of this run side by side, or this run beside one that was reported before. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Problem } from '../../problem.ts';
import { suggestion } from '../../suggest.ts';
import type { ReportDocument, ReportLesson } from './document.ts';
import { readReport } from './file.ts';

/** A lesson that will be run, with its acts by name. */
export interface Planned {
  readonly scenario: string;
  readonly acts: readonly string[];
}

/** Makes of a report one that opens with the two side by side. */
export type Comparison = (report: ReportDocument) => ReportDocument;

/** `ACT,ACT`, each as `LESSON/ACT` where several lessons are run, or the file of an earlier report. Throws a Problem before anything is run. */
export async function comparisonOf(text: string, lessons: readonly Planned[]): Promise<Comparison> {
  if (text.endsWith('.html')) {
    const before = await earlier(text);
    const known = before.lessons.flatMap(({ scenario, acts }) => acts.map(({ id }) => `${scenario}/${id}`));
    if (!lessons.some(({ scenario, acts }) => acts.some((act) => known.includes(`${scenario}/${act}`)))) throw new Problem(`--compare: ${text} has none of the acts of this run; it has ${known.join(', ')}`);
    return besideEarlier(basename(text), before);
  }
  const names = text.split(',').map((name) => name.trim());
  if (names.length !== 2) throw new Problem(`--compare ${text}: name two acts, as in --compare ${exampleOf(lessons)}, or an earlier report, as in --compare before.html`);
  const pair = names.map((name) => placeOf(name, lessons)) as [string, string];
  return (report) => ({ ...report, compare: pair });
}

const exampleOf = ([lesson]: readonly Planned[]): string => (lesson !== undefined && lesson.acts.length > 1 ? lesson.acts.slice(0, 2).join(',') : 'without,with');

function placeOf(name: string, lessons: readonly Planned[]): string {
  const known = lessons.flatMap(({ scenario, acts }, i) => acts.map((act, j) => ({ names: [`${scenario}/${act}`, ...(lessons.length === 1 ? [act] : [])], place: `${i}/${j}` })));
  const found = known.find(({ names }) => names.includes(name));
  if (found === undefined) throw new Problem(`--compare: no act "${name}"; ${suggestion(name, known.map(({ names }) => names.at(-1)!))}`);
  return found.place;
}

async function earlier(file: string): Promise<ReportDocument> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Problem(`--compare: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  });
  return readReport(file, text);
}

/** The first act of this run that the earlier one has too, one that failed in either before the others: the earlier one on the left. */
function besideEarlier(file: string, before: ReportDocument): Comparison {
  return (report) => {
    const lessons = [...report.lessons, ...before.lessons.map((lesson): ReportLesson => ({ ...lesson, from: file }))];
    const both = report.lessons.flatMap((lesson, i) =>
      lesson.acts.flatMap((act, j) =>
        before.lessons.flatMap((old, k) => (old.scenario !== lesson.scenario ? [] : old.acts.flatMap((one, l) => (one.id === act.id ? [{ pair: [`${report.lessons.length + k}/${l}`, `${i}/${j}`] as const, acts: [one, act] }] : [])))),
      ),
    );
    const chosen = both.find(({ acts }) => acts.some(({ checks }) => checks.some(({ verdict }) => verdict === 'fail'))) ?? both[0];
    return { ...report, lessons, ...(chosen !== undefined && { compare: chosen.pair }) };
  };
}
