/** What a cell says where a box cannot be tried, and where somebody was merely slow. */
import { describe, expect, test } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import type { Act } from '../../lab/scenarios/scenario.ts';
import { actsBehind, describeOutcome, playBehind } from '../../lab/zoo/cells.ts';
import { presetNamed } from '../../src/nat/presets.ts';

async function outcomes(lesson: string, preset: string, change: (act: Act) => Act = (act) => act): Promise<Readonly<Record<string, string>>> {
  const scenario = scenarios.find(({ id }) => id === lesson)!;
  const values = parseSettings(lesson, scenario.parameters, [], 'virtual');
  const cells = await playBehind(presetNamed(preset)!, scenario, actsBehind(scenario, { values }).map(change), { backend: sim, values, seed: 1 });
  return Object.fromEntries(cells.map(({ act, outcome }) => [act, 'why' in outcome ? `${describeOutcome(outcome)}: ${outcome.why}` : describeOutcome(outcome)]));
}

describe('a box that translates IPv6', () => {
  test.each(['nat64', 'nptv6'])('%s has a home of its own, in which the lessons of a home are played', async (preset) => {
    expect(await outcomes('port-float', preset)).toEqual({ float: 'works', 'start-on-4500': 'works' });
    expect(await outcomes('detection', preset)).toMatchObject({ initiator: 'works', 'no-nat-t': 'works' });
  });

  test('cannot be had by networks of IPv4, nor have the knobs of another box: the cell says so', async () => {
    expect(await outcomes('multi-client', 'nat64')).toMatchObject({ together: 'not possible here: hotel (varied), nats.box: hotel has IPv4, and nat64 is a gateway from IPv6 inside to IPv4 outside' });
    expect(await outcomes('keepalive', 'nptv6')).toMatchObject({ control: 'not possible here: nptv6 (varied), nats.box.behaviour: a prefix translator has no ports, no timers and no table, and none of their knobs' });
  });
});

describe('"works after a while" is said', () => {
  test('where a box lost something, and had to be asked again', async () => {
    const { 'with-nat-t': onBoth, 'start-on-4500': on4500 } = await outcomes('passthrough', 'passthrough-500');
    expect(onBoth).toMatch(/^works after \d/);
    expect(on4500).toBe('works');
  });

  test('not where a client repeated what was still under way, as on a busy machine', async () => {
    const hasty = (act: Act): Act => ({ ...act, adjust: { ...act.adjust, clients: { ike: { ...act.adjust?.clients?.ike, retransmission: { first: '15 ms', factor: 2, tries: 5 } } } } });
    expect(await outcomes('port-float', 'linux-masquerade', hasty)).toEqual({ float: 'works', 'start-on-4500': 'works' });
  });
});
