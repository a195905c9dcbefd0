/** Runs lessons and reports them: `lab SCENARIO`, `lab run …`, and the tour that `lab` alone gives. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { presetNamed, presets } from '../../src/nat/presets.ts';
import { loadBackend } from '../backends/index.ts';
import { natEngineChoices } from '../backends/backend.ts';
import type { Backend, NatEngineChoice } from '../backends/backend.ts';
import { Problem } from '../problem.ts';
import { Capture } from '../report/capture.ts';
import { toJson, traceLine } from '../report/json.ts';
import { TerminalReport } from '../report/terminal.ts';
import { lineWidth } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { castFor, overall, runScenario, topologyOf, warningsFor } from '../run.ts';
import type { Audience, RunOptions, ScenarioResult } from '../run.ts';
import { headlines, scenarios } from '../scenarios/index.ts';
import { parseSettings } from '../scenarios/parameters.ts';
import type { Values } from '../scenarios/parameters.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { suggestion } from '../suggest.ts';
import { warn } from '../warn.ts';
import { ikeModes } from '../topology/ike-version.ts';

export interface CommandLine {
  readonly backend: string;
  readonly topology?: string;
  readonly nat?: string;
  readonly ike?: string;
  readonly natEngine?: string;
  readonly set?: readonly string[];
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
export const tour = (options: CommandLine): Promise<number> => play(headlines, options, options.quiet ? 'quiet' : 'brief');

export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find(({ id }) => id === name);
  if (found) return found;
  throw new Problem(`no scenario "${name}"; ${suggestion(name, scenarios.map(({ id }) => id))}`);
}

async function play(chosen: readonly Scenario[], options: CommandLine, detail: 'quiet' | 'brief' | 'full'): Promise<number> {
  const seed = seedOf(options.seed);
  const places = placesOf(options);
  const backend = await loadBackend(options.backend);
  const natEngine = natEngineOf(options.natEngine, backend);
  const settings = settingsOf(chosen, options.set ?? [], backend.clock);
  if (options.topology !== undefined) for (const [i, scenario] of chosen.entries()) for (const act of scenario.acts(settings[i]!)) castFor(act, topologyOf(act, places));
  await mustBeUsable(backend);
  if (backend.enclosure !== undefined && !backend.enclosure.isEntered()) return backend.enclosure.enter(process.argv.slice(2));
  if (Object.keys(places).length > 0) warn(warningsFor(chosen.flatMap((scenario, i) => scenario.acts(settings[i]!)), places));
  const people = options.json === '-' ? process.stderr : process.stdout;
  const report = new TerminalReport({ theme: themeFor(people, options.color), width: lineWidth(people, 120), write: (line) => void people.write(`${line}\n`), detail });
  const jsonStream = options.json === undefined ? undefined : options.json === '-' ? process.stdout : await opened(options.json);
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
        natEngine,
        values: settings[i]!,
        seed,
        signal: interruption.signal,
        audience: together(report.audience(), records.audience),
        ...places,
      } satisfies RunOptions);
      results.push(result);
      report.scenarioEnds(result);
    }
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
    await records.close();
  }
  await said(jsonStream, `${JSON.stringify(results.map(toJson), null, 2)}\n`);
  return interruption.signal.aborted ? 130 : exitStatuses[overall(results)];
}

/** What the command line wants instead of the acts' own topology, boxes and version of IKE. */
export function placesOf({ topology, nat, ike }: Pick<CommandLine, 'topology' | 'nat' | 'ike'>): Pick<RunOptions, 'topology' | 'preset' | 'ike'> {
  if (nat !== undefined && presetNamed(nat) === undefined) throw new Problem(`no NAT preset "${nat}"; ${suggestion(nat, presets.map(({ name }) => name))}`);
  const mode = ikeModes.find((one) => one === ike);
  if (ike !== undefined && mode === undefined) throw new Problem(`--ike ${ike}: ${suggestion(ike, ikeModes)}`);
  return {
    ...(topology === undefined ? {} : { topology }),
    ...(nat === undefined ? {} : { preset: nat }),
    ...(mode === undefined ? {} : { ike: mode }),
  };
}

/** Reproducible runs need a number that people can repeat. */
export function seedOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Problem(`--seed ${text}: expected a whole number of up to nine digits`);
}

/** Asking for an engine where there is but one would promise a difference that is not there. */
export function natEngineOf(text: string | undefined, { name, natEngines }: Backend): NatEngineChoice {
  if (text === undefined) return 'auto';
  const choice = natEngineChoices.find((one) => one === text);
  if (choice === undefined) throw new Problem(`no NAT engine "${text}"; ${suggestion(text, natEngineChoices)}`);
  if (natEngines.length === 1) throw new Problem(`--nat-engine ${text}: on ${name} every box runs on the ${natEngines[0]!}; leave the option out, or choose a backend with real namespaces, such as --backend netns`);
  return choice;
}

/** With several lessons a setting goes to those that have the parameter. */
export function settingsOf(chosen: readonly Scenario[], settings: readonly string[], clock: Backend['clock']): readonly Values[] {
  const has = ({ parameters }: Scenario, setting: string): boolean => Object.hasOwn(parameters, setting.split('=')[0]!);
  const stray = settings.find((setting) => !chosen.some((scenario) => has(scenario, setting)));
  if (stray !== undefined && chosen.length > 1) {
    const name = stray.split('=')[0]!;
    throw new Problem(`none of ${chosen.map(({ id }) => id).join(', ')} has a parameter "${name}"; ${suggestion(name, chosen.flatMap(({ parameters }) => Object.keys(parameters)))}`);
  }
  return chosen.map((scenario) => parseSettings(scenario.id, scenario.parameters, settings.filter((setting) => chosen.length === 1 || has(scenario, setting)), clock));
}

export async function mustBeUsable(backend: Backend): Promise<void> {
  const { usable, requirements } = await backend.probe();
  if (usable) return;
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
        capture?.add(act, trace);
      },
    },
    close: async () => {
      for (const stream of [traceStream, captureStream]) {
        if (!stream) continue;
        stream.end();
        await once(stream, 'finish');
      }
      if (!capture) return;
      const { all, ikeV1 } = await capture.writeKeys();
      tell(`To read the capture decrypted: ${all}`);
      if (ikeV1 !== undefined) tell(`And IKEv1, which Wireshark follows at one client only: ${ikeV1}`);
    },
  };
}

/** The last word to a file or to standard output, which stays open. */
async function said(stream: Writable | undefined, text: string): Promise<void> {
  if (stream === undefined) return;
  if (stream === process.stdout) stream.write(text);
  else await once(stream.end(text), 'finish');
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

const together = (...audiences: readonly Audience[]): Audience => ({
  actBegins: (...begun) => audiences.forEach((audience) => audience.actBegins?.(...begun)),
  actEnds: (result) => audiences.forEach((audience) => audience.actEnds?.(result)),
});
