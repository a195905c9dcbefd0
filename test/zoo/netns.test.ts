/** The oracle against real packets: a lesson behind every box, on the kernel's NAT or the machine in a namespace, as the box needs it. */
import { expect } from 'vitest';
import { netns } from '../../lab/backends/netns/backend.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import { actsBehind, describeOutcome, isAsForeseen, playBehind } from '../../lab/zoo/cells.ts';
import type { Cell } from '../../lab/zoo/cells.ts';
import { presets } from '../../src/nat/presets.ts';
import { needs } from '../support/needs.ts';

const { test } = needs('root', 'koffi', 'nft', 'tun');

// The quickest lesson: the others' cells are compared in the simulator, whose verdicts are those of namespaces (same-verdicts.test.ts).
test('port-float does behind every box what the oracle foresees', { timeout: 300_000 }, async () => {
  const scenario = scenarios.find(({ id }) => id === 'port-float')!;
  const acts = actsBehind(scenario, { values: {} });
  const cells: Cell[] = [];
  for (const preset of presets) cells.push(...(await playBehind(preset, scenario, acts, { backend: netns, values: {}, seed: 1 })));
  expect(cells.filter(({ outcome }) => outcome.kind === 'unsupported')).toEqual([]);
  expect(cells.filter((cell) => !isAsForeseen(cell)).map((cell) => ({ cell: `${cell.act} behind ${cell.preset}`, outcome: describeOutcome(cell.outcome), forecast: cell.forecast }))).toEqual([]);
});
