/** The cure of the keepalive lesson: a tunnel idle for so many minutes of virtual time, then every check over its trace. */
import { sim } from '../../../lab/backends/sim/backend.ts';
import { runScenario } from '../../../lab/run.ts';
import { keepalive } from '../../../lab/scenarios/keepalive.ts';
import type { Act } from '../../../lab/scenarios/scenario.ts';
import { meter } from '../meter.ts';

export default async function cure(minutes: string) {
  const metered = meter();
  let simulatedMs = 0;
  const cureOnly = (values: Parameters<typeof keepalive.acts>[0]): Act[] =>
    keepalive
      .acts(values)
      .filter(({ id }) => id === 'cure')
      .map((act) => ({
        ...act,
        play: async (stage) => {
          const playing = meter();
          await act.play(stage);
          simulatedMs = playing().processorMs;
        },
      }));
  const scenario = { ...keepalive, acts: cureOnly };
  const { verdict, acts } = await runScenario(scenario, { backend: sim, values: { minutes: Number(minutes) }, seed: 1 });
  if (verdict !== 'pass') throw new Error(`the lesson ended with ${verdict}`);
  return { ...metered(), simulatedMs, events: acts[0]!.trace.events.length };
}
