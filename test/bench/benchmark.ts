/** What a benchmark is, and how it has something measured. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { endingWithUs } from '../support/ends-with-us.ts';

/** A promise of the project, and what became of it. */
export interface Promised {
  readonly what: string;
  readonly promised: string;
  readonly measured: string;
  /** Undefined where it could not be measured; `measured` then says why. */
  readonly met: boolean | undefined;
}

export interface Outcome {
  /** The figures behind the lines, for --json. */
  readonly figures: unknown;
  readonly promises: readonly Promised[];
}

export interface Surroundings {
  /** How often each measurement is taken; the figures are medians. */
  readonly rounds: number;
  /** A line for people. */
  readonly say: (line: string) => void;
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  run(surroundings: Surroundings): Promise<Outcome>;
}

const script = fileURLToPath(new URL('measure.ts', import.meta.url));

/** The figures of `measurements/NAME.ts`, from a process that does nothing else: memory, just-in-time compiler and caches are its own. */
export async function measured<Figures>(name: string, ...argv: readonly (string | number)[]): Promise<Figures> {
  const { stdout } = await execa(...endingWithUs(process.execPath, '--import', 'tsx', script, name, ...argv.map(String)));
  return JSON.parse(stdout) as Figures;
}

/** Takes every measurement once, then again, as often as wanted: what disturbs the machine for a while disturbs them all. */
export async function inTurns<Figures>(rounds: number, measurements: readonly (() => Promise<Figures>)[]): Promise<Figures[][]> {
  const taken: Figures[][] = measurements.map(() => []);
  for (let round = 0; round < rounds; round++) for (const [i, measure] of measurements.entries()) taken[i]!.push(await measure());
  return taken;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The median of every figure, each by itself. */
export function medians<Figures extends object>(taken: readonly Figures[]): { readonly [Name in keyof Figures]: number } {
  const names = Object.keys(taken[0]!) as (keyof Figures)[];
  return Object.fromEntries(names.map((name) => [name, median(taken.map((figures) => figures[name] as number))])) as { [Name in keyof Figures]: number };
}

export const promise = (what: string, promised: string, measurement: string, met: boolean | undefined): Promised => ({ what, promised, measured: measurement, met });

/** `1,234`, `12.3`, `0.123`: three digits that mean something. */
export const figure = (value: number): string => value.toLocaleString('en', value >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
export const seconds = (ms: number): string => (ms < 1000 ? `${figure(ms)} ms` : `${figure(ms / 1000)} s`);
export const times = (ratio: number): string => `${figure(ratio)} times`;
