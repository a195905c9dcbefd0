/** A lesson in the terminal: what it teaches, each act as it is played, each claim with what was seen. */
import { describeDuration } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { ActResult, Audience, CheckResult, Engines, ScenarioResult } from '../run.ts';
import type { Act, Scenario } from '../scenarios/scenario.ts';
import type { Topology } from '../topology/plan.ts';
import type { TraceLog } from '../../src/trace/trace.ts';
import { plural } from '../wording.ts';
import { countDrops } from './drops.ts';
import { Narrator } from './narrator.ts';
import type { NarratorOptions } from './narrator.ts';
import type { Teacher } from './teacher.ts';
import { sign, word } from './theme.ts';
import type { Theme } from './theme.ts';
import { wrap } from './text.ts';

/** Tells an act while it is played. */
export interface Story {
  /** Says what has not been said yet: the act is over. */
  finish(): Promise<void> | void;
}

/** The story of an act. */
export type StoryOf = (topology: Topology, trace: TraceLog) => Story;

export interface TerminalOptions {
  readonly theme: Theme;
  readonly width: number;
  readonly write: (line: string) => void;
  readonly detail: 'quiet' | 'brief' | 'full';
  /** Adds what a teacher would say. */
  readonly teacher?: Teacher | undefined;
  /** How acts are told; line by line when not given. */
  readonly story?: StoryOf | undefined;
}

export class TerminalReport {
  readonly #options: TerminalOptions;

  constructor(options: TerminalOptions) {
    this.#options = options;
  }

  scenarioBegins({ id, title, teaches }: Scenario): void {
    if (this.#options.detail === 'quiet') return;
    const { theme, width, write } = this.#options;
    write('');
    write(`${theme.strong(id)}  ${wrap(title, width, ' '.repeat(id.length + 2))}`);
    write(theme.faint(wrap(teaches, width)));
  }

  audience(): Audience {
    const { detail, theme, width, write, teacher, story: storyOf = narrated({ theme, width, write, brief: detail === 'brief', teacher }) } = this.#options;
    if (detail === 'quiet') return {};
    let story: Story | undefined;
    return {
      actBegins: (act: Act, topology: Topology, trace: TraceLog, engines: Engines) => {
        write('');
        write(`  ${theme.strong(act.id)}  ${wrap(act.title, width, ' '.repeat(act.id.length + 4))}`);
        write(theme.faint(`    ${wrap(`on the topology "${topology.name}"${boxesOf(topology, engines)}`, width, '    ')}`));
        story = storyOf(topology, trace);
      },
      actEnds: async ({ checks, elapsed, trace }: ActResult) => {
        await story?.finish();
        for (const check of checks) this.#check(check);
        const drops = Object.entries(countDrops(trace)).map(([reason, count]) => `${count} ${reason}`);
        const dropped = drops.length === 0 ? 'nothing dropped' : `dropped: ${drops.join(', ')}`;
        write(theme.faint(`    ${wrap(`${describeDuration(Math.round(elapsed) as Duration)} of the lab's time, ${dropped}`, width, '    ')}`));
      },
    };
  }

  scenarioEnds(result: ScenarioResult): void {
    const { theme, write, detail, width } = this.#options;
    const checks = result.acts.flatMap((act) => act.checks);
    const counts = (['pass', 'fail', 'inconclusive', 'unsupported'] as const).flatMap((verdict) => {
      const n = checks.filter((check) => check.verdict === verdict).length;
      return n > 0 ? [`${n} ${{ pass: 'passed', fail: 'failed', inconclusive: 'inconclusive', unsupported: 'unsupported here' }[verdict]}`] : [];
    });
    if (detail === 'quiet') for (const check of checks) if (check.verdict === 'fail' || check.verdict === 'inconclusive') this.#check(check);
    if (detail !== 'quiet') write('');
    const summary = `${result.scenario.id}: ${word(theme, result.verdict)}  ${plural(checks.length, 'check')}: ${counts.join(', ')} (${result.backend}, ${(result.wallMs / 1000).toFixed(1)} s)`;
    write(wrap(summary, width, '  '));
    if (result.interrupted) write(theme.doubt('  interrupted: this is what had been learned by then'));
  }

  #check({ verdict, claim, ref, expected, observed, evidence }: CheckResult): void {
    const { theme, width, write } = this.#options;
    const indent = '      ';
    write(`    ${sign(theme, verdict)} ${wrap(`${claim}${ref === undefined ? '' : ` (${ref})`}`, width, indent)}`);
    if (verdict === 'fail' || verdict === 'inconclusive') write(`${indent}${wrap(`expected: ${expected}`, width, indent)}`);
    const seen = verdict === 'unsupported' ? `not possible here: ${observed}` : `${verdict === 'pass' ? '' : 'observed: '}${observed}`;
    const where = verdict === 'fail' && evidence.length > 0 ? ` [events ${evidence.slice(0, 5).join(', ')}]` : '';
    write(theme.faint(`${indent}${wrap(seen + where, width, indent)}`));
  }
}

const narrated =
  (options: NarratorOptions): StoryOf =>
  (_, trace) => {
    const narrator = new Narrator(options);
    trace.listen(narrator.tell);
    return narrator;
  };

function boxesOf({ presets }: Topology, engines: Engines): string {
  const boxes = Object.entries(presets).map(([box, preset]) => `${box}: ${preset}${engines[box] === undefined ? '' : `, engine=${engines[box]}`}`);
  return boxes.length === 0 ? '' : ` (${boxes.join('; ')})`;
}
