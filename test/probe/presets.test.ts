/** The probe over the whole zoo on the simulator: what packets show of a box is what the box claims to be. */
import { describe, expect, test } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { disagreements, expectationOf } from '../../lab/probe/expectation.ts';
import { homeWith, placeProbe } from '../../lab/probe/place.ts';
import { behaviourOf, nearestPreset, toYaml } from '../../lab/probe/replay.ts';
import { runProbe } from '../../lab/probe/run.ts';
import { parseTopology } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import type { LoadedTopology } from '../../lab/topology/load.ts';
import { seconds } from '../../src/core/time.ts';
import { presets } from '../../src/nat/presets.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import type { Classification, Measure } from '../../src/probe/classification.ts';

const slack = seconds(0.25);

async function found(topology: LoadedTopology, seed = 1): Promise<Classification> {
  const outcome = await runProbe(placeProbe(topology), { backend: sim, seed });
  if (outcome === undefined || outcome === 'unreachable') throw new Error(`the probe found nothing: ${String(outcome)}`);
  return outcome.findings;
}

const results = new Map<string, Promise<Classification>>();
const foundOf = (preset: string): Promise<Classification> => {
  const result = results.get(preset) ?? found(homeWith(preset));
  results.set(preset, result);
  return result;
};

const behaviourIn = (topology: LoadedTopology): NatBehaviour => {
  const [box] = planTopology(topology).plan.nodes.filter((node) => node.kind === 'nat');
  return box!.box.behaviour;
};

describe.each(presets.map((preset) => [preset.name, preset] as const))('%s', (name, { behaviour }) => {
  test('is found to be what it claims', async () => {
    expect(disagreements(await foundOf(name), expectationOf(behaviour), slack)).toEqual([]);
  });

  test('is taken for another box nowhere: any claim that is turned round is contradicted', async () => {
    const findings = await foundOf(name);
    const expectation = expectationOf(behaviour);
    const turned: Partial<Record<Measure, unknown>> = {};
    for (const [measure, claim] of Object.entries(expectation) as [Measure, unknown][]) {
      if (claim === undefined) continue;
      const wrong = typeof claim === 'boolean' ? !claim : typeof claim === 'number' ? claim * 1.1 + seconds(1) : 'something else';
      turned[measure] = wrong;
      expect(disagreements(findings, { ...expectation, [measure]: wrong }, slack).map((one) => one.measure), measure).toEqual([measure]);
    }
    expect(Object.keys(turned).length).toBeGreaterThan(10);
  });

  test('measured and replayed from its YAML, it shows the same again', async () => {
    const findings = await foundOf(name);
    const replayed = parseTopology(toYaml(findings, 'a test measured'), 'measured.yaml');
    expect(disagreements(findings, expectationOf(behaviourIn(replayed)), slack)).toEqual([]);
    expect(disagreements(await found(replayed, 2), expectationOf(behaviour), seconds(0.5))).toEqual([]);
  });
});

test('a box that is no preset becomes the nearest one with the knobs that differ', async () => {
  const findings = await found(parseTopology(toYaml(await foundOf('port-restricted'), 'x').replace('preset: port-restricted', 'preset: port-restricted\n    behaviour: { timeouts: { unreplied: 45 s, replied: 200 s }, zeroChecksum: computed }'), 'own.yaml'));
  expect(nearestPreset(findings).name).toBe('port-restricted');
  const { timeouts, zeroChecksum } = behaviourOf(findings, nearestPreset(findings).behaviour);
  expect([timeouts.unreplied, timeouts.replied, zeroChecksum]).toEqual([45_000, 200_000, 'computed']);
});

test('the same seed finds the same, to the millisecond', async () => {
  expect(await found(homeWith('symmetric'), 7)).toEqual(await found(homeWith('symmetric'), 7));
});
