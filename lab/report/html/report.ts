/** From results to a report. */
import type { BackendName } from '../../backends/backend.ts';
import { networkOf } from '../../ladder/network.ts';
import type { ActResult, ScenarioResult } from '../../run.ts';
import { reportSchema } from './document.ts';
import type { ReportAct, ReportDocument, ReportLesson } from './document.ts';
import { knowledgeOf } from './knowledge.ts';

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
  network: networkOf(result.topology, backend === 'sim' ? {} : result.engines),
  checks: result.checks,
  events: result.trace.events,
  knowledge: knowledgeOf(result.trace),
});
