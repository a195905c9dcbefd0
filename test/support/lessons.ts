/** Plays lessons in the simulator, honest ones and sabotaged ones. */
import type { Backend } from '../../lab/backends/backend.ts';
import { sim } from '../../lab/backends/sim/backend.ts';
import { traceLine } from '../../lab/report/json.ts';
import { runScenario } from '../../lab/run.ts';
import type { CheckResult, RunOptions, ScenarioResult } from '../../lab/run.ts';
import { headlines, scenarios } from '../../lab/scenarios/index.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import type { Scenario } from '../../lab/scenarios/scenario.ts';

export interface Playing {
  readonly seed?: number;
  readonly preset?: string;
  readonly set?: readonly string[];
  readonly backend?: Backend;
}

export const lessonIds: readonly string[] = scenarios.map(({ id }) => id);

/** Those of the tour, which are about no box in particular and run behind any. */
export const headlineIds: readonly string[] = headlines.map(({ id }) => id);

export function lesson(id: string): Scenario {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found === undefined) throw new TypeError(`no lesson ${id}`);
  return found;
}

export function play(id: string, { seed = 1, preset, set = [], backend = sim }: Playing = {}, more: Partial<RunOptions> = {}): Promise<ScenarioResult> {
  const scenario = lesson(id);
  const values = parseSettings(scenario.id, scenario.parameters, set, backend.clock);
  return runScenario(scenario, { backend, values, seed, ...(preset === undefined ? {} : { preset }), ...more });
}

export const checksOf = ({ acts }: ScenarioResult): readonly CheckResult[] => acts.flatMap(({ checks }) => checks);

/** The ids of the checks that did not pass: what the claim or guard says of them is in the result. */
export const notPassed = (result: ScenarioResult): string[] => checksOf(result).flatMap(({ id, verdict }) => (verdict === 'pass' ? [] : [id]));

/** The whole trace of a run as it stands on disk. */
export const traceText = ({ acts }: ScenarioResult): string => acts.flatMap(({ act, trace }) => trace.events.map((event) => traceLine(act.id, event))).join('\n');
