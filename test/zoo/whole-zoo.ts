/** Every lesson behind every box, for one version of IKE. */
import { describe, expect, test, vi } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import type { IkeMode } from '../../lab/topology/ike-version.ts';
import { actsBehind, describeOutcome, isAsForeseen, playBehind } from '../../lab/zoo/cells.ts';
import type { Cell } from '../../lab/zoo/cells.ts';
import { ipv6Presets, zoo } from '../../src/nat/presets.ts';

export function wholeZoo(ike: IkeMode): void {
  vi.setConfig({ testTimeout: 120_000 });

  describe.each(scenarios.map((scenario) => [scenario.id, scenario] as const))('%s', (id, scenario) => {
    test(`does behind every box what the oracle foresees of it (${ike})`, async () => {
      const values = parseSettings(id, scenario.parameters, 'minutes' in scenario.parameters ? ['minutes=3'] : [], 'virtual');
      const acts = actsBehind(scenario, { values, ike });
      const cells: Cell[] = [];
      for (const preset of acts.length === 0 ? [] : zoo) cells.push(...(await playBehind(preset, scenario, acts, { backend: sim, values, seed: 1, ike })));
      expect(cells).toHaveLength(acts.length * zoo.length);
      expect(cells.filter(({ outcome, preset }) => outcome.kind === 'unsupported' && ipv6Presets.every(({ name }) => name !== preset))).toEqual([]);
      expect(cells.filter((cell) => !isAsForeseen(cell)).map((cell) => ({ cell: `${cell.act} behind ${cell.preset}`, outcome: describeOutcome(cell.outcome), forecast: cell.forecast }))).toEqual([]);
    });
  });
}
