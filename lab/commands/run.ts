/** Runs lessons and reports them: `lab SCENARIO`, `lab run …`, and the tour that `lab` alone gives. */
import { loadBackend } from '../backends/index.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { programName } from '../own-modules.ts';
import { Problem } from '../problem.ts';
import { Teacher } from '../report/teacher.ts';
import type { LadderStoryOptions } from '../report/ladder/story.ts';
import { TerminalReport } from '../report/terminal.ts';
import type { StoryOf } from '../report/terminal.ts';
import { lineWidth } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { castFor, overall, runScenario, topologyOf, warningsFor } from '../run.ts';
import type { Audience, ScenarioResult } from '../run.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { warn } from '../warn.ts';
import { natEngineOf, noAct, placesOf, scenarioNamed, seedOf, settingsOf } from './asked.ts';
import type { Elsewhere, Named } from './asked.ts';
import { exitStatuses } from './exit-status.ts';
import { interrupted, interruptible } from './interruption.ts';
import { closeAll } from './output.ts';
import { mustHavePrompt, promptAfter } from './prompt.ts';
import { openRecords } from './records.ts';
import { openResults } from './results.ts';
import type { Wished } from './results.ts';
import { ranElsewhere } from './usable-backend.ts';

export interface CommandLine extends Named, Wished, Elsewhere {
  readonly backend: string;
  readonly act?: readonly string[];
  readonly nat?: string;
  readonly ike?: string;
  readonly natEngine?: string;
  readonly set?: readonly string[];
  readonly seed: string;
  readonly pcap?: string;
  readonly quiet?: true;
  readonly ladder?: true;
  readonly pace?: true;
  readonly explain?: true;
  readonly color: boolean;
  readonly all?: true;
  readonly cli?: true;
}

/** `others`: what else a lone name could have meant. */
export async function run(names: readonly string[], options: CommandLine, others: readonly string[] = []): Promise<number> {
  if (options.all && names.length > 0) throw new Problem('--all runs every scenario; leave the names out');
  if (!options.all && names.length === 0) throw new Problem(`run what? Name scenarios, or --all for every one (see: ${programName} list)`);
  if (options.act !== undefined && names.length !== 1) throw new Problem('--act names an act of one lesson; name that lesson, and no other');
  const catalogue = await loadCatalogue(options.scenarios);
  return play(options.all ? catalogue.scenarios : names.map((name) => withActs(scenarioNamed(name, catalogue, others), options.act)), catalogue, options, names.length === 1 ? 'full' : 'brief');
}

/** The lesson with these of its acts only; all of them when none is named. */
const withActs = (scenario: Scenario, wanted: readonly string[] | undefined): Scenario => ({
  ...scenario,
  acts: (values) => {
    const acts = scenario.acts(values);
    const stray = wanted?.find((name) => !acts.some(({ id }) => id === name));
    if (stray !== undefined) throw noAct(scenario, acts, stray);
    return acts.filter(({ id }) => wanted?.includes(id) ?? true);
  },
});

/** The headline lessons, told one after the other; where there are lessons of one's own, those. */
export async function tour(options: CommandLine): Promise<number> {
  const catalogue = await loadCatalogue(options.scenarios);
  return play(catalogue.headlines, catalogue, options, 'brief');
}

async function play(chosen: readonly Scenario[], catalogue: Catalogue, options: CommandLine, usual: 'brief' | 'full'): Promise<number> {
  const detail = detailOf(options, usual);
  const seed = seedOf(options.seed);
  const places = await placesOf(options, catalogue);
  const backend = await loadBackend(options.backend);
  const natEngine = natEngineOf(options.natEngine, backend);
  const settings = settingsOf(chosen, options.set ?? [], backend.clock);
  if (options.cli) mustHavePrompt(backend, chosen);
  for (const [i, scenario] of chosen.entries()) for (const act of scenario.acts(settings[i]!)) if (places.topology !== undefined) castFor(act, topologyOf(act, places));
  const status = await ranElsewhere(backend);
  if (status !== undefined) return status;
  if ((places.topology ?? options.nat ?? options.ike) !== undefined) warn(warningsFor(chosen.flatMap((scenario, i) => scenario.acts(settings[i]!)), places));
  const people = options.json === '-' ? process.stderr : process.stdout;
  const theme = themeFor(people, options.color);
  const tell = (line: string): void => void people.write(`${line}\n`);
  const files = await openResults(options, chosen.map((scenario, i) => ({ scenario: scenario.id, acts: scenario.acts(settings[i]!).map(({ id }) => id) })));
  const records = await openRecords(options, tell);
  const encore = options.cli && promptAfter({ tell, output: options.json === '-' ? 'stderr' : 'stdout' });
  return interruptible(async (signal) => {
    const writing = { theme, width: lineWidth(people, 120), write: tell, teacher: options.explain && new Teacher() };
    const report = new TerminalReport({ ...writing, detail, story: await ladderFor(options, { ...writing, clock: backend.clock, height: people.isTTY && people.rows > 0 ? people.rows : undefined }, signal) });
    const audience = together(report.audience(), records.audience);
    const results: ScenarioResult[] = [];
    try {
      for (const [i, scenario] of chosen.entries()) {
        if (signal.aborted) break;
        report.scenarioBegins(scenario);
        const result = await runScenario(scenario, { backend, natEngine, values: settings[i]!, seed, signal, audience, ...(encore && { encore }), ...places });
        results.push(result);
        report.scenarioEnds(result);
      }
    } finally {
      await files.write(results);
      await closeAll([records, files]);
    }
    return signal.aborted ? interrupted : exitStatuses[overall(results)];
  });
}

/** A ladder where one is wanted: whoever goes slowly, or wants to be told why, looks at one. */
async function ladderFor({ ladder, pace, explain }: CommandLine, options: LadderStoryOptions, signal: AbortSignal): Promise<StoryOf | undefined> {
  if (!(ladder ?? pace ?? explain)) return undefined;
  const { ladderStory } = await import('../report/ladder/story.ts');
  return ladderStory({ ...options, ...(pace && { hold: (await import('../report/pace.ts')).pacedBy(options.theme, signal) }) });
}

/** Ladders and explanations belong to the whole story; a pace needs somebody at a terminal. */
function detailOf({ quiet, ladder, explain, pace }: CommandLine, usual: 'brief' | 'full'): 'quiet' | 'brief' | 'full' {
  const wish = pace ? '--pace' : explain ? '--explain' : ladder ? '--ladder' : undefined;
  if (quiet && wish !== undefined) throw new Problem(`${wish} has no story to work on with --quiet; leave one of them out`);
  if (pace && !(process.stdin.isTTY && process.stdout.isTTY)) throw new Problem('--pace waits for somebody who presses Enter, and this is no terminal');
  return quiet ? 'quiet' : (explain ?? ladder) ? 'full' : usual;
}

const together = (...audiences: readonly Audience[]): Audience => ({
  actBegins: (...begun) => audiences.forEach((audience) => audience.actBegins?.(...begun)),
  actEnds: async (result) => {
    for (const audience of audiences) await audience.actEnds?.(result);
  },
});
