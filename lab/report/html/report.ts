/** From results to a report. */
import { describePrefix } from '../../../src/core/address.ts';
import type { NodePlan } from '../../../src/sim/plan.ts';
import type { BackendName } from '../../backends/backend.ts';
import type { ActResult, ScenarioResult } from '../../run.ts';
import { reportSchema } from './document.ts';
import type { Network, NetworkNode, ReportAct, ReportDocument, ReportLesson } from './document.ts';

export const reportOf = (results: readonly ScenarioResult[]): ReportDocument => ({ schema: reportSchema, lessons: results.map(lesson) });

const lesson = ({ scenario, backend, clock, seed, values, verdict, interrupted, acts }: ScenarioResult): ReportLesson => ({
  scenario: scenario.id,
  title: scenario.title,
  teaches: scenario.teaches,
  refs: scenario.refs,
  backend,
  clock,
  seed,
  parameters: values,
  verdict,
  interrupted,
  acts: acts.map((act) => toAct(act, backend)),
});

const toAct = (result: ActResult, backend: BackendName): ReportAct => ({
  id: result.act.id,
  title: result.act.title,
  elapsedMs: Math.round(result.elapsed),
  network: networkOf(result, backend),
  checks: result.checks,
  events: result.trace.events,
});

const networkOf = ({ topology: { name, title, plan, presets }, engines }: ActResult, backend: BackendName): Network => ({
  name,
  title,
  segments: plan.segments.map((segment) => ({ name: segment.name, prefix: describePrefix(segment.prefix) })),
  nodes: plan.nodes.map((node): NetworkNode => {
    const { name: box } = node;
    const common = { name: box, kind: kindOf(node), interfaces: node.interfaces.map(({ name: port, segment, address }) => ({ name: port, segment, address })) };
    if (node.kind === 'nat') return { ...common, pinned: node.box.behaviour.pinned.ports, ...(presets[box] !== undefined && { preset: presets[box] }), ...(backend !== 'sim' && engines[box] !== undefined && { engine: engines[box] }) };
    if (node.kind === 'host' && node.endpoint !== undefined) return { ...common, system: node.endpoint.system ?? 'linux' };
    return common;
  }),
});

/** As the cast has it: whoever has a peer to call is a client, whoever has a network behind it a gateway. */
function kindOf(node: NodePlan): NetworkNode['kind'] {
  if (node.kind !== 'host') return node.kind;
  const [connection] = node.endpoint?.ike.connections ?? [];
  if (connection === undefined) return 'host';
  return node.forwards || connection.remote === 'any' ? 'gateway' : 'client';
}
