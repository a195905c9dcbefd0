/** A lesson behind every box of the zoo: a cell for each act and box, what came of it beside what the oracle said. */
import { describeDuration } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { presets } from '../../src/nat/presets.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { overall, runScenario, topologyOf } from '../run.ts';
import type { ActResult, RunOptions } from '../run.ts';
import type { Act, Scenario } from '../scenarios/scenario.ts';
import { castOf } from '../topology/cast.ts';
import type { Topology } from '../topology/plan.ts';
import { forecast } from './oracle.ts';
import type { Forecast } from './oracle.ts';

export interface Cell {
  readonly lesson: string;
  readonly act: string;
  readonly preset: string;
  readonly outcome: Outcome;
  /** Undefined where the oracle knows nothing of the act. */
  readonly forecast: Forecast | undefined;
}

/** Whether what the lesson claims holds behind the box; if it does, `after` how long the last client was in, where that was no matter of course. */
export type Outcome =
  | { readonly kind: 'works'; readonly after?: Duration }
  | { readonly kind: 'fails'; readonly why: string }
  | { readonly kind: 'unsupported'; readonly why: string };

/** Whether the oracle was right; what cannot be tried here is no miss. */
export function isAsForeseen({ outcome, forecast: said }: Cell): boolean {
  if (said === undefined) return false;
  if (outcome.kind === 'unsupported') return true;
  return outcome.kind === 'works' ? said.works && said.late === (outcome.after !== undefined) : !said.works;
}

type Options = Pick<RunOptions, 'backend' | 'natEngine' | 'seed' | 'ike' | 'signal'> & Required<Pick<RunOptions, 'values'>>;

/** The acts in which it matters what box the topology has: the others bring their own, or have none. */
export function actsBehind(scenario: Scenario, { values, ike }: Pick<Options, 'values' | 'ike'>): readonly Act[] {
  const [one, other] = presets as readonly [NatPreset, NatPreset];
  const boxes = (topology: Topology): string => JSON.stringify(castOf(topology).boxes.map(({ box }) => box.behaviour));
  const behind = (act: Act, { name: preset }: NatPreset): string => boxes(topologyOf(act, { preset, ...(ike && { ike }) }));
  return scenario.acts(values).filter((act) => behind(act, one) !== behind(act, other));
}

/** The cells of one lesson behind one box. */
export async function playBehind({ name: preset }: NatPreset, scenario: Scenario, acts: readonly Act[], options: Options): Promise<readonly Cell[]> {
  const result = await runScenario({ ...scenario, acts: () => acts }, { ...options, preset });
  return result.acts.map((played) => {
    const cast = castOf(played.topology);
    const behaviours = cast.boxes.map(({ box }) => box.behaviour);
    return { lesson: scenario.id, act: played.act.id, preset, outcome: outcomeOf(played), forecast: forecast(scenario.id, played.act.id, behaviours, cast.ike) };
  });
}

function outcomeOf({ checks, trace }: ActResult): Outcome {
  const verdict = overall(checks);
  if (verdict === 'unsupported') return { kind: 'unsupported', why: checks[0]!.observed };
  const wrong = checks.find((check) => check.verdict === 'fail') ?? checks.find((check) => check.verdict === 'inconclusive');
  if (wrong !== undefined) return { kind: 'fails', why: `${wrong.claim}: ${wrong.observed}` };
  const after = longestWait(trace);
  return after === undefined ? { kind: 'works' } : { kind: 'works', after };
}

/** From its first message to its tunnel, of the client that needed longest among those that had to repeat themselves. */
function longestWait(trace: Trace): Duration | undefined {
  const waits = trace.of('ike-sa').flatMap(({ node, at: began, body }) => {
    if (body.state !== 'connecting' || body.role !== 'initiator') return [];
    const up = trace.of('child-sa', node).find((event) => event.body.state === 'established' && event.at >= began);
    const repeated = trace.of('ike-message', node).some((event) => event.body.retransmission > 0 && event.at >= began && up !== undefined && event.at <= up.at);
    return repeated ? [up!.at - began] : [];
  });
  return waits.length === 0 ? undefined : (Math.round(Math.max(...waits)) as Duration);
}

/** `works`, `works after 42 s`, `fails`. */
export const describeOutcome = (outcome: Outcome): string => (outcome.kind === 'works' && outcome.after !== undefined ? `works after ${describeDuration((Math.round(outcome.after / 1000) * 1000) as Duration)}` : outcome.kind === 'unsupported' ? 'not possible here' : outcome.kind);
