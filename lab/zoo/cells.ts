/** A lesson behind every box of the zoo: a cell for each act and box, what came of it beside what the oracle said. */
import { describeDuration } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { presets } from '../../src/nat/presets.ts';
import { Problem } from '../problem.ts';
import { overall, runScenario, topologyOf } from '../run.ts';
import type { ActResult, Engines, RunOptions } from '../run.ts';
import type { Act, Scenario } from '../scenarios/scenario.ts';
import { castOf } from '../topology/cast.ts';
import type { Cast } from '../topology/cast.ts';
import type { Topology } from '../topology/plan.ts';
import { forecast } from './oracle.ts';
import type { Forecast } from './oracle.ts';
import { longestWait } from './waits.ts';

export interface Cell {
  readonly lesson: string;
  readonly act: string;
  readonly preset: string;
  /** What each box of the topology ran on, by its name. */
  readonly engine: Engines;
  readonly outcome: Outcome;
  /** Undefined where the oracle knows nothing of the act. */
  readonly forecast: Forecast | undefined;
}

/** Whether what the lesson claims holds behind the box; if it does, `after` how long the last client was in, where that was no matter of course. */
export type Outcome =
  | { readonly kind: 'works'; readonly after?: Duration }
  | { readonly kind: 'fails'; readonly why: string }
  | { readonly kind: 'unsupported'; readonly why: string };

/** Whether the oracle was right; what cannot be tried here is no miss. Where it knows nothing, as of lessons of one's own, what the lesson claims should hold. */
export function isAsForeseen({ outcome, forecast: said }: Cell): boolean {
  if (outcome.kind === 'unsupported') return true;
  if (said === undefined) return outcome.kind === 'works';
  return outcome.kind === 'works' ? said.works && said.late === (outcome.after !== undefined) : !said.works;
}

type Options = Pick<RunOptions, 'backend' | 'natEngine' | 'seed' | 'shelf' | 'topology' | 'ike' | 'signal'> & Required<Pick<RunOptions, 'values'>>;

/** The acts in which it matters what box the topology has: the others bring their own, or have none. */
export function actsBehind(scenario: Scenario, { values, shelf, topology: asked, ike }: Pick<Options, 'values' | 'shelf' | 'topology' | 'ike'>): readonly Act[] {
  const [one, other] = presets as readonly [NatPreset, NatPreset];
  const boxes = (topology: Topology): string => JSON.stringify(castOf(topology).boxes.map(({ box }) => box.behaviour));
  const behind = (act: Act, { name: preset }: NatPreset): string => boxes(topologyOf(act, { preset, ...(shelf && { shelf }), ...(asked && { topology: asked }), ...(ike && { ike }) }));
  return scenario.acts(values).filter((act) => behind(act, one) !== behind(act, other));
}

/** The cells of one lesson behind one box. */
export async function playBehind(preset: NatPreset, scenario: Scenario, acts: readonly Act[], options: Options): Promise<readonly Cell[]> {
  const cells: Cell[] = [];
  for (const act of acts) if (options.signal?.aborted !== true) cells.push({ lesson: scenario.id, act: act.id, preset: preset.name, ...(await playAct(preset, scenario, act, options)) });
  return cells;
}

async function playAct(preset: NatPreset, scenario: Scenario, act: Act, options: Options): Promise<Pick<Cell, 'engine' | 'outcome' | 'forecast'>> {
  const places = { ...options, preset: preset.name };
  const obstacle = obstacleTo(act, places);
  if (obstacle !== undefined) return { engine: {}, outcome: { kind: 'unsupported', why: obstacle }, forecast: undefined };
  const { acts: [played] } = await runScenario({ ...scenario, acts: () => [act] }, places);
  return whatCameOf(scenario.id, played!);
}

/** What came of an act behind its boxes, beside what the oracle says of it. */
export function whatCameOf(lesson: string, played: ActResult): Pick<Cell, 'engine' | 'outcome' | 'forecast'> {
  const cast = castOf(played.topology);
  return { engine: played.engines, outcome: outcomeOf(played, cast), forecast: forecast(lesson, played.act.id, cast.boxes.map(({ box: { behaviour, ipv6 } }) => ({ behaviour, ...(ipv6 && { ipv6: ipv6.kind }) })), { ike: cast.ike, clients: cast.clients.length }) };
}

/** Why the act's networks cannot have the box, if they cannot. */
export function obstacleTo(act: Act, places: Pick<RunOptions, 'shelf' | 'topology' | 'preset' | 'ike'>): string | undefined {
  try {
    topologyOf(act, places);
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
}

function outcomeOf({ checks, trace }: ActResult, cast: Cast): Outcome {
  const verdict = overall(checks);
  if (verdict === 'unsupported') return { kind: 'unsupported', why: checks[0]!.observed };
  const wrong = checks.find((check) => check.verdict === 'fail') ?? checks.find((check) => check.verdict === 'inconclusive');
  if (wrong !== undefined) return { kind: 'fails', why: `${wrong.claim}: ${wrong.observed}` };
  const after = longestWait(trace, cast);
  return after === undefined ? { kind: 'works' } : { kind: 'works', after };
}

/** `works`, `works after 42 s`, `fails`. */
export const describeOutcome = (outcome: Outcome): string => (outcome.kind === 'works' && outcome.after !== undefined ? `works after ${describeDuration((Math.round(outcome.after / 1000) * 1000) as Duration)}` : outcome.kind === 'unsupported' ? 'not possible here' : outcome.kind);
