/** `lab matrix`: lessons × boxes × versions of IKE × backends, played over all cores and told as one. */
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { hours } from '../../src/core/time.ts';
import type { BackendName } from '../backends/backend.ts';
import { loadBackend } from '../backends/index.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Cell } from '../matrix/cell.ts';
import { matrixJsonSchema, readMatrixFile, selectionOf } from '../matrix/file.ts';
import { jobsFor } from '../matrix/github-jobs.ts';
import { verdictOf } from '../matrix/judge.ts';
import { failuresBeside, readFailures, writeFailures } from '../matrix/last-failures.ts';
import { planCells } from '../matrix/plan.ts';
import type { Selection } from '../matrix/plan.ts';
import type { CellResult } from '../matrix/play.ts';
import { runMatrix, usualLimit } from '../matrix/run.ts';
import type { MatrixRun } from '../matrix/run.ts';
import { inShard, shardOf } from '../matrix/shard.ts';
import { axisNames, vocabularyOf, wordsOf, wrongWord } from '../matrix/vocabulary.ts';
import type { Axis, Vocabulary } from '../matrix/vocabulary.ts';
import { Problem } from '../problem.ts';
import { annotations, jobSummary } from '../report/github.ts';
import { junitOfMatrix } from '../report/junit.ts';
import { matrixHtml } from '../report/matrix-html.ts';
import { matrixJson } from '../report/matrix-json.ts';
import { progressOn } from '../report/matrix-progress.ts';
import { isWrong, summary, tellMatrix } from '../report/matrix-table.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { overall } from '../run.ts';
import { parseDuration } from '../topology/duration.ts';
import { plural } from '../wording.ts';
import { scenarioNamed, seedOf, settingsOf } from './asked.ts';
import type { Named } from './asked.ts';
import { exitStatuses } from './exit-status.ts';
import { interrupted, interruptible } from './interruption.ts';
import { cannotWrite, closeAll, outputTo } from './output.ts';
import { mustBeUsable } from './usable-backend.ts';

export interface MatrixCommandLine extends Named, Partial<Readonly<Record<Axis, readonly string[]>>> {
  readonly file?: string;
  readonly schema?: true;
  readonly set?: readonly string[];
  readonly seed?: string;
  readonly list?: true;
  readonly shard?: string;
  readonly onlyFailed?: true;
  readonly bail?: true;
  readonly parallel?: string;
  readonly parallelReal: string;
  readonly timeout?: string;
  readonly json?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly traces?: string;
  readonly format?: string;
  readonly jobs?: string;
  readonly quiet?: true;
  readonly color: boolean;
}

export async function matrix(options: MatrixCommandLine): Promise<number> {
  const catalogue = await loadCatalogue(options.scenarios);
  if (options.schema) {
    process.stdout.write(`${JSON.stringify(matrixJsonSchema(vocabularyOf(catalogue)), null, 2)}\n`);
    return 0;
  }
  const failures = failuresBeside(options.json);
  const whole = options.onlyFailed ? lastFailures(failures, options, catalogue) : await planned(options, catalogue);
  if (options.format !== undefined) return github(options, whole);
  if (options.jobs !== undefined) throw new Problem('--jobs says how many --format github cuts; add that, or leave --jobs out');
  const cells = options.shard === undefined ? whole : inShard(whole, shardOf(options.shard));
  const parallel = { simulated: options.parallel === undefined ? availableParallelism() : countOf('--parallel', options.parallel), real: countOf('--parallel-real', options.parallelReal) };
  const limit = options.timeout === undefined ? usualLimit : limitOf(options.timeout);
  if (options.list) return list(cells, options);
  const people = options.json === '-' ? process.stderr : process.stdout;
  const tell = (line: string): void => void people.write(`${line}\n`);
  for (const name of new Set(cells.map(({ backend }) => backend))) await mustBeUsable(await loadBackend(name));
  const json = options.json === undefined ? undefined : await outputTo(options.json);
  const junit = options.junit === undefined ? undefined : await outputTo(options.junit);
  const html = options.html === undefined ? undefined : await outputTo(options.html);
  const theme = themeFor(people, options.color);
  return interruptible(async (signal) => {
    const progress = options.quiet ? undefined : progressOn(people, theme, cells.length);
    const { results, closed } = await runMatrix(cells, {
      parallel,
      limit,
      folders: catalogue.folders,
      bail: options.bail === true,
      signal,
      ...(options.traces === undefined ? {} : { traces: options.traces }),
      begins: (cell) => progress?.begins(cell),
      ends: (result) => progress?.ends(result),
    });
    progress?.close();
    const told = { theme, width: lineWidth(people, 120), write: tell, folders: catalogue.folders };
    if (cells.length === 0) tell(options.onlyFailed ? 'nothing came out wrong the last time' : 'no cell of the matrix is in this shard');
    else if (options.quiet) tell(wrap(summary(cells, results), told.width, '  '));
    else tellMatrix(cells, results, told);
    json?.write(`${JSON.stringify(results.map((one) => matrixJson(one, catalogue)), null, 2)}\n`);
    junit?.write(junitOfMatrix(results, catalogue.folders));
    html?.write(matrixHtml(cells, results, catalogue.folders));
    if (process.env['GITHUB_ACTIONS'] === 'true') annotations(results, catalogue.folders).forEach(tell);
    const wrong = toKeep(results, options.onlyFailed ? cells : []);
    await closeAll([json, junit, html, untraced(results), summarised(cells, results, catalogue.folders), kept(failures, wrong), { close: () => closed }]);
    if (wrong.length > 0) tell(`  ${wrap(`${wrong.length === 1 ? 'It is' : 'They are'} kept in ${failures}: --only-failed plays ${wrong.length === 1 ? 'it' : 'them'} again.`, told.width, '  ')}`);
    if (signal.aborted) return interrupted;
    return cells.length === 0 ? 0 : exitStatuses[overall(results.map(({ kind }) => ({ verdict: verdictOf[kind] })))];
  });
}

async function planned(options: MatrixCommandLine, catalogue: Catalogue): Promise<readonly Cell[]> {
  const selection = selected(options, vocabularyOf(catalogue));
  const lessons = [...new Set([selection, ...selection.include].flatMap(({ scenario }) => scenario))].map((name) => scenarioNamed(name, catalogue));
  const clocks = new Map<BackendName, 'virtual' | 'real'>();
  for (const name of new Set([selection, ...selection.include].flatMap(({ backend }) => backend))) clocks.set(name, (await loadBackend(name)).clock);
  const settings = new Map([...clocks].map(([backend, clock]) => [backend, settingsOf(lessons, selection.set, clock)] as const));
  return planCells(selection, {
    catalogue,
    settingsOf: (scenario, backend) => ({ set: selection.set.filter((setting) => Object.hasOwn(scenario.parameters, setting.split('=')[0]!)), values: settings.get(backend)![lessons.indexOf(scenario)]! }),
  });
}

function selected(options: MatrixCommandLine, vocabulary: Vocabulary): Selection {
  for (const axis of axisNames) for (const word of options[axis] ?? []) if (!wordsOf(vocabulary[axis]).includes(word)) throw new Problem(`--${axis}: ${wrongWord(vocabulary[axis], word)}`);
  const file = readMatrixFile(options.file, vocabulary);
  const set = [...Object.entries(file?.set ?? {}).map(([name, value]) => `${name}=${value}`), ...(options.set ?? [])];
  return { ...selectionOf(file, options, vocabulary), set, seed: options.seed === undefined ? (file?.seed ?? 1) : seedOf(options.seed) };
}

function lastFailures(file: string, options: MatrixCommandLine, catalogue: Catalogue): readonly Cell[] {
  const stray = [...axisNames, 'file', 'set', 'seed', 'shard'] as const;
  const named = stray.find((name) => options[name] !== undefined);
  if (named !== undefined) throw new Problem(`--only-failed plays the last failures as they were; leave --${named} out`);
  return readFailures(file, vocabularyOf(catalogue));
}

/** What failed now, and what was to be played again and was not. */
function toKeep(results: readonly CellResult[], wanted: readonly Cell[]): readonly Cell[] {
  const played = new Set(results.map(({ cell }) => cell.id));
  return [...results.filter(isWrong).map(({ cell }) => cell), ...wanted.filter(({ id }) => !played.has(id))];
}

function kept(file: string, cells: readonly Cell[]): { close(): Promise<void> } | undefined {
  if (cells.length === 0 && !existsSync(file)) return undefined;
  return { close: () => writeFailures(file, cells).catch((error: unknown) => Promise.reject(cannotWrite(file, error))) };
}

/** Traces are written where the cells are played; what went wrong there is said here. */
function untraced(results: readonly CellResult[]): { close(): Promise<void> } | undefined {
  const problem = results.find(({ traceProblem }) => traceProblem !== undefined)?.traceProblem;
  return problem === undefined ? undefined : { close: () => Promise.reject(new Problem(problem)) };
}

/** Where GitHub wants it: a file that other steps of the job have written to as well. */
function summarised(cells: readonly Cell[], results: readonly CellResult[], folders: readonly string[]): { close(): Promise<void> } | undefined {
  const file = process.env['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return undefined;
  return { close: () => appendFile(file, jobSummary(cells, results, folders)).catch((error: unknown) => Promise.reject(cannotWrite(file, error))) };
}

function list(cells: readonly Cell[], { json }: MatrixCommandLine): number {
  if (json !== undefined && json !== '-') throw new Problem('--list writes to standard output; give --json - for JSON');
  process.stdout.write(json === '-' ? `${JSON.stringify(cells, null, 2)}\n` : cells.map(({ id, acts }) => `${id}  ${acts.join(' ')}\n`).join(''));
  if (json !== '-') process.stderr.write(`${plural(cells.length, 'cell')}\n`);
  return 0;
}

function github(options: MatrixCommandLine, cells: readonly Cell[]): number {
  if (options.format !== 'github') throw new Problem(`--format ${options.format!}: there is: github`);
  if (options.shard !== undefined) throw new Problem('--format github cuts the whole matrix into shards; leave --shard out');
  if (options.onlyFailed) throw new Problem('--format github is for other machines, which do not have what failed here; leave --only-failed out');
  process.stdout.write(`${JSON.stringify(jobsFor(cells, options.jobs === undefined ? undefined : countOf('--jobs', options.jobs)))}\n`);
  return 0;
}

function limitOf(text: string): MatrixRun['limit'] {
  const each = parseDuration(text);
  // What setTimeout can count.
  if (each !== undefined && each >= 1 && each <= hours(24)) return { simulated: each, real: each };
  throw new Problem(`--timeout ${text}: expected a duration of a day at the most, such as "90 s" or "10 min"`);
}

function countOf(option: string, text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new Problem(`${option} ${text}: expected a whole number from 1 to 999`);
}
