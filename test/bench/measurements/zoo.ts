/** Every box of the zoo against the headline lessons in both versions of IKE: the part of them that falls to one process of several. */
import { sim } from '../../../lab/backends/sim/backend.ts';
import { runScenario } from '../../../lab/run.ts';
import { headlines } from '../../../lab/scenarios/index.ts';
import { parseSettings } from '../../../lab/scenarios/parameters.ts';
import { presets } from '../../../src/nat/presets.ts';
import { meter } from '../meter.ts';

export default async function zoo(part: string, parts: string) {
  const metered = meter();
  let runs = 0;
  for (const { name: preset } of presets.filter((_, i) => i % Number(parts) === Number(part))) {
    for (const scenario of headlines) {
      for (const ike of ['v2', 'v1'] as const) {
        const { acts } = await runScenario(scenario, { backend: sim, values: parseSettings(scenario.id, scenario.parameters, [], sim.clock), seed: 1, preset, ike });
        if (acts.length === 0) throw new Error(`${scenario.id} behind ${preset} did nothing`);
        runs++;
      }
    }
  }
  return { ...metered(), runs };
}
