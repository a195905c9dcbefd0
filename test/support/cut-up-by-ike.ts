/** Certificates through a box without mercy for pieces of IP, in messages that IKE itself cuts up, in either version. */
import { sim } from '../../lab/backends/sim/backend.ts';
import { runScenario } from '../../lab/run.ts';
import type { ActResult } from '../../lab/run.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import { lesson } from './lessons.ts';

export async function cutUpByIke(ike: 'v2' | 'v1'): Promise<ActResult> {
  const scenario = lesson('fragments');
  const values = parseSettings(scenario.id, scenario.parameters, [], sim.clock);
  const acts = scenario.acts(values).filter(({ id }) => id === 'by-ike').map((act) => { const { keepsIke, ...any } = act; return keepsIke === undefined ? act : any; });
  const { acts: [act] } = await runScenario({ ...scenario, acts: () => acts }, { backend: sim, values, seed: 1, ike });
  return act!;
}
