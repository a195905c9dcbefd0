/** Runs lessons and reports them: `lab SCENARIO`, `lab run …`, and the tour that `lab` alone gives. */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { presetNamed, presets } from '../../src/nat/presets.ts';
import { loadBackend } from '../backends/index.ts';
import type { Backend } from '../backends/backend.ts';
import { Problem } from '../problem.ts';
import { Capture } from '../report/capture.ts';
import { toJson, traceLine } from '../report/json.ts';
import { TerminalReport } from '../report/terminal.ts';
import { themeFor } from '../report/theme.ts';
import { overall, runScenario } from '../run.ts';
import type { Audience, RunOptions, ScenarioResult } from '../run.ts';
import { scenarios } from '../scenarios/index.ts';
import { parseSettings } from '../scenarios/parameters.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { suggestion } from '../suggest.ts';

export interface CommandLine {
  readonly backend: string;
  readonly topology?: string;
  readonly nat?: string;
  readonly set: readonly string[];
  readonly seed: string;
  readonly json?: string;
  readonly trace?: string;
  readonly pcap?: string;
  readonly quiet?: true;
  readonly color: boolean;
  readonly all?: true;
}

const exitStatuses = { pass: 0, fail: 1, inconclusive: 3, unsupported: 3 } as const;

export function run(names: readonly string[], options: CommandLine): Promise<number> {
  if (options.all && names.length > 0) throw new Problem('--all runs every scenario; leave the names out');
  if (!options.all && names.length === 0) throw new Problem('run what? Name scenarios, or --all for every one (see: lab list)');
  return play(options.all ? scenarios : names.map(scenarioNamed), options, options.quiet ? 'quiet' : names.length === 1 ? 'full' : 'brief');
}

/** The headline lessons, told one after the other. */
export const tour = (options: CommandLine): Promise<number> => play(scenarios, options, options.quiet ? 'quiet' : 'brief');

export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find(({ id }) => id === name);
  if (found) return found;
  throw new Problem(`no scenario "${name}"; ${suggestion(name, scenarios.map(({ id }) => id))}`);
}

async function play(chosen: readonly Scenario[], options: CommandLine, detail: 'quiet' | 'brief' | 'full'): Promise<number> {
  const seed = seedOf(options.seed);
  if (options.nat !== undefined && presetNamed(options.nat) === undefined) throw new Problem(`no NAT preset "${options.nat}"; ${suggestion(options.nat, presets.map(({ name }) => name))}`);
  const backend = await usable(await loadBackend(options.backend));
  if (backend.enclosure !== undefined && !backend.enclosure.isEntered()) return backend.enclosure.enter(process.argv.slice(2));
  const settings = chosen.map((scenario) => parseSettings(scenario.id, scenario.parameters, settingsFor(scenario, chosen, options.set), backend.clock));
  const people = options.json === '-' ? process.stderr : process.stdout;
  const report = new TerminalReport({ theme: themeFor(people, options.color), width: Math.min(people.columns || 120, 120), write: (line) => void people.write(`${line}\n`), detail });
  const records = await openRecords(options, (line) => void people.write(`${line}\n`));
  const interruption = new AbortController();
  const onInterrupt = (): void => {
    if (interruption.signal.aborted) process.exit(130);
    interruption.abort();
  };
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt);

  const results: ScenarioResult[] = [];
  try {
    for (const [i, scenario] of chosen.entries()) {
      if (interruption.signal.aborted) break;
      report.scenarioBegins(scenario);
      const result = await runScenario(scenario, {
        backend,
        values: settings[i]!,
        seed,
        signal: interruption.signal,
        audience: together(report.audience(), records.audience),
        ...(options.topology === undefined ? {} : { topology: options.topology }),
        ...(options.nat === undefined ? {} : { preset: options.nat }),
      } satisfies RunOptions);
      results.push(result);
      report.scenarioEnds(result);
    }
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
    await records.close();
  }
  const json = `${JSON.stringify(results.map(toJson), null, 2)}\n`;
  if (options.json === '-') process.stdout.write(json);
  else if (options.json !== undefined) await written(options.json, json);
  return interruption.signal.aborted ? 130 : exitStatuses[overall(results)];
}

/** Reproducible runs need a number that people can repeat. */
function seedOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Problem(`--seed ${text}: expected a whole number of up to nine digits`);
}

/** With several lessons a setting goes to those that have the parameter; one that none has is an error of the first. */
function settingsFor(scenario: Scenario, chosen: readonly Scenario[], settings: readonly string[]): readonly string[] {
  const has = ({ parameters }: Scenario, setting: string): boolean => Object.hasOwn(parameters, setting.split('=')[0]!);
  return settings.filter((setting) => has(scenario, setting) || !chosen.some((other) => has(other, setting)));
}

async function usable(backend: Backend): Promise<Backend> {
  const { usable: can, requirements } = await backend.probe();
  if (can) return backend;
  const missing = requirements.filter(({ present }) => !present).map(({ name, detail, remedy }) => `  ${name}: ${detail}${remedy === undefined ? '' : `\n    get it with: ${remedy}`}`);
  throw new Problem(`the backend ${backend.name} cannot run here:\n${missing.join('\n')}\n  "lab doctor" tells what can.`, 3);
}

interface Records {
  readonly audience: Audience;
  close(): Promise<void>;
}

/** Files that are written while the lesson is played. `tell` says what people should know about them. */
async function openRecords({ trace: traceFile, pcap: captureFile }: CommandLine, tell: (line: string) => void): Promise<Records> {
  const traceStream = traceFile === undefined ? undefined : await opened(traceFile);
  const captureStream = captureFile === undefined ? undefined : await opened(captureFile);
  const capture = captureFile === undefined ? undefined : new Capture(captureFile, (block) => captureStream?.write(block));
  return {
    audience: {
      actEnds: ({ act, trace }) => {
        if (traceStream) trace.events.forEach((event) => traceStream.write(`${traceLine(act.id, event)}\n`));
        capture?.add(`${act.id}: ${act.title}`, trace);
      },
    },
    close: async () => {
      for (const stream of [traceStream, captureStream]) {
        if (!stream) continue;
        stream.end();
        await once(stream, 'finish');
      }
      if (capture) tell(`To read the capture decrypted: ${await capture.writeKeys()}`);
    },
  };
}

async function opened(file: string): Promise<Writable> {
  const stream = createWriteStream(file);
  try {
    await once(stream, 'open');
  } catch (error) {
    throw new Problem(`cannot write ${file}: ${(error as Error).message}`);
  }
  return stream;
}

async function written(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new Problem(`cannot write ${file}: ${(error as Error).message}`);
  }
}

const together = (...audiences: readonly Audience[]): Audience => ({
  actBegins: (...begun) => audiences.forEach((audience) => audience.actBegins?.(...begun)),
  actEnds: (result) => audiences.forEach((audience) => audience.actEnds?.(result)),
});
