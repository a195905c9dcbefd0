/** Plays a lesson with a rule broken, and says which of its checks noticed. */
import { checksOf, play } from '../support/lessons.ts';
import type { Verdict } from '../../lab/checks/check.ts';
import type { ScenarioResult } from '../../lab/run.ts';
import { castOf } from '../../lab/topology/cast.ts';
import type { Kind, TraceEvent } from '../../src/trace/events.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { sabotaged } from '../support/sabotage.ts';
import type { BrokenRule } from '../support/breaking.ts';

export interface Judgement {
  /** `act/check` */
  readonly id: string;
  readonly verdict: Verdict;
}

/** Many forge the same honest trace: it is made once. */
const honest = new Map<string, Promise<ScenarioResult>>();

export async function judge({ lesson, set = [], preset, topology, sabotage, forge }: BrokenRule): Promise<readonly Judgement[]> {
  const run = (): Promise<ScenarioResult> => play(lesson, { set, backend: sabotaged(sabotage ?? {}), ...(preset === undefined ? {} : { preset }) }, topology === undefined ? {} : { topology });
  const key = JSON.stringify([lesson, set, preset, topology]);
  if (sabotage === undefined && !honest.has(key)) honest.set(key, run());
  const result = await (sabotage === undefined ? honest.get(key)! : run());
  if (forge === undefined) return checksOf(result);
  return result.acts.flatMap(({ act, topology: played, trace }) => {
    const forged = traceOf(trace.events.flatMap((event) => forge(event, act.id) ?? []));
    return act.checks(castOf(played)).map((check) => ({ id: `${act.id}/${check.id}`, verdict: check.evaluate(forged).verdict }));
  });
}

const traceOf = (events: readonly TraceEvent[]): Trace => ({
  events,
  of: <K extends Kind>(kind: K, node?: string) => events.filter((event): event is EventOf<K> => event.body.kind === kind && (node === undefined || event.node === node)),
});
