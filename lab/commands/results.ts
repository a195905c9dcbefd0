/** What is written once everything has been played: JSON, JUnit XML, the report. What makes each of them is loaded only where it is asked for. */
import { Problem } from '../problem.ts';
import type { Comparison, Planned } from '../report/html/comparison.ts';
import { toJson } from '../report/json.ts';
import type { ScenarioResult } from '../run.ts';
import { closeAll, outputTo } from './output.ts';
import type { Output } from './output.ts';

export interface Wished {
  readonly json?: string;
  readonly junit?: string;
  readonly trace?: string;
  readonly report?: string;
  readonly compare?: string;
}

export interface Results extends Pick<Output, 'close'> {
  write(results: readonly ScenarioResult[]): Promise<void>;
}

type Rendering = (results: readonly ScenarioResult[]) => string | Promise<string>;

/** Opens the files now. Throws a Problem for one that cannot be written, and for acts that cannot be compared. */
export async function openResults(wished: Wished, lessons: readonly Planned[]): Promise<Results> {
  const compared = await comparisonFor(wished, lessons);
  const renderings: readonly [file: string | undefined, rendering: Rendering][] = [
    [wished.json, (results) => `${JSON.stringify(results.map(toJson), null, 2)}\n`],
    [wished.junit, async (results) => (await import('../report/junit.ts')).junitOf(results, wished.trace)],
    [wished.report, async (results) => asReport(results, compared)],
  ];
  const opened: { readonly output: Output; readonly rendering: Rendering }[] = [];
  for (const [file, rendering] of renderings) if (file !== undefined) opened.push({ output: await outputTo(file), rendering });
  return {
    write: async (results) => {
      for (const { output, rendering } of opened) output.write(await rendering(results));
    },
    close: () => closeAll(opened.map(({ output }) => output)),
  };
}

async function asReport(results: readonly ScenarioResult[], compared: Comparison): Promise<string> {
  const [{ reportFile }, { reportOf }] = await Promise.all([import('../report/html/file.ts'), import('../report/html/report.ts')]);
  return reportFile(compared(reportOf(results)));
}

async function comparisonFor({ report, compare }: Wished, lessons: readonly Planned[]): Promise<Comparison> {
  if (compare === undefined) return (document) => document;
  if (report === undefined) throw new Problem('--compare is about the report: add --report FILE.html');
  return (await import('../report/html/comparison.ts')).comparisonOf(compare, lessons);
}
