/** The cure of the keepalive lesson: a tunnel idle for so many minutes of virtual time, then every check over its trace. */
import { sim } from '../../../lab/backends/sim/backend.ts';
import { runScenario } from '../../../lab/run.ts';
import { keepalive } from '../../../lab/scenarios/keepalive.ts';
import { meter } from '../meter.ts';

export default async function cure(minutes: string) {
  const metered = meter();
  const scenario = { ...keepalive, acts: (values: Parameters<typeof keepalive.acts>[0]) => keepalive.acts(values).filter(({ id }) => id === 'cure') };
  const { verdict, acts } = await runScenario(scenario, { backend: sim, values: { minutes: Number(minutes) }, seed: 1 });
  if (verdict !== 'pass') throw new Error(`the lesson ended with ${verdict}`);
  return { ...metered(), events: acts[0]!.trace.events.length };
}
