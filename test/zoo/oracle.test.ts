/** The oracle itself: small, of the behaviour alone, and no need in it is idle. */
import { describe, expect, test } from 'vitest';
import { scenarios } from '../../lab/scenarios/index.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import { actsBehind, isAsForeseen } from '../../lab/zoo/cells.ts';
import { needs } from '../../lab/zoo/needs.ts';
import type { NeedName } from '../../lab/zoo/needs.ts';
import { forecast, needsOfActs } from '../../lab/zoo/oracle.ts';
import { presetNamed, zoo } from '../../src/nat/presets.ts';

const boxOf = (name: string) => presetNamed(name)!;
const few = (ike: 'v1' | 'v2') => ({ ike, clients: 3 });

describe('the table of needs', () => {
  test('has an entry for every act to which the box matters, and for no other', () => {
    const acts = scenarios.flatMap((scenario) => actsBehind(scenario, { values: parseSettings(scenario.id, scenario.parameters, [], 'virtual') }).map(({ id }) => `${scenario.id}/${id}`));
    const foreseen = Object.entries(needsOfActs).flatMap(([lesson, table]) => Object.keys(table).map((act) => `${lesson}/${act}`));
    expect(foreseen.sort()).toEqual(acts.sort());
  });

  test('has no need that every box meets, and none that no box meets', () => {
    const met = (name: NeedName): number => zoo.filter(({ behaviour, ipv6 }) => needs[name].isMet(behaviour, { ike: 'v1', clients: 1000, ...(ipv6 && { ipv6 }) })).length;
    expect((Object.keys(needs) as NeedName[]).filter((name) => met(name) === 0 || met(name) === zoo.length)).toEqual([]);
  });
});

describe('a forecast', () => {
  test.each([
    ['passthrough-500', 'with-nat-t', { works: true, late: true }],
    ['linux-masquerade', 'with-nat-t', { works: false, applies: false, why: 'lets a second client use port 500 as well' }],
    ['udp-blocked', 'start-on-4500', { works: false, applies: true, why: 'lets nothing out to UDP 4500' }],
  ] as const)('of %s for passthrough/%s', (preset, act, expected) => {
    expect(forecast('passthrough', act, [boxOf(preset)], few('v2'))).toEqual(expected);
  });

  test('of boxes in a row wants all of them to meet every need', () => {
    const row = (...names: string[]) => forecast('port-float', 'float', names.map(boxOf), few('v2'))?.works;
    expect([row('linux-masquerade', 'mikrotik'), row('linux-masquerade', 'udp-4500-blocked'), row('udp-4500-blocked', 'mikrotik')]).toEqual([true, false, false]);
  });

  test('of a helper depends on the version of IKE that it helps with', () => {
    const of = (ike: 'v1' | 'v2') => forecast('keepalive', 'cure', [boxOf('helper-strips-nat-t')], few(ike))?.works;
    expect([of('v1'), of('v2')]).toEqual([false, true]);
  });

  test.each([
    ['linux-masquerade', 511, { works: true, late: false }],
    ['linux-masquerade', 512, { works: true, late: true }],
    ['evicting-table', 511, { works: true, late: false }],
    ['evicting-table', 767, { works: true, late: true }],
    ['evicting-table', 770, { works: false, applies: true, why: 'has no room for so many clients' }],
    ['passthrough-500', 1000, { works: true, late: true }],
  ] as const)('of %s and %d clients counts the ports for those who come from 500, and the places in its table', (preset, clients, expected) => {
    expect(forecast('multi-client', 'together', [boxOf(preset)], { ike: 'v2', clients })).toEqual(expected);
  });

  test('of an identity that is refused knows when it is said', () => {
    const of = (ike: 'v1' | 'v1-aggressive' | 'v2') => forecast('identity', 'strict', [boxOf('udp-4500-blocked')], { ike, clients: 1 })?.works;
    expect([of('v1'), of('v2'), of('v1-aggressive')]).toEqual([false, false, true]);
  });

  test('of an act that nobody has thought of is none', () => {
    expect(forecast('port-float', 'unheard-of', [], few('v2'))).toBeUndefined();
  });
});

test('a cell is as foreseen only if it works when it should, at once or late as it should; where nothing is foreseen, if it works', () => {
  const cell = { lesson: 'x', act: 'y', preset: 'z', engine: {} };
  const works = { kind: 'works' } as const;
  const late = { kind: 'works', after: 4000 as never } as const;
  const fails = { kind: 'fails', why: 'so' } as const;
  const said = { works: true, late: false } as const;
  const verdicts = [
    isAsForeseen({ ...cell, outcome: works, forecast: said }),
    isAsForeseen({ ...cell, outcome: late, forecast: said }),
    isAsForeseen({ ...cell, outcome: fails, forecast: said }),
    isAsForeseen({ ...cell, outcome: late, forecast: { works: true, late: true } }),
    isAsForeseen({ ...cell, outcome: fails, forecast: { works: false, applies: true, why: 'so' } }),
    isAsForeseen({ ...cell, outcome: works, forecast: { works: false, applies: true, why: 'so' } }),
    isAsForeseen({ ...cell, outcome: works, forecast: undefined }),
    isAsForeseen({ ...cell, outcome: late, forecast: undefined }),
    isAsForeseen({ ...cell, outcome: fails, forecast: undefined }),
    isAsForeseen({ ...cell, outcome: { kind: 'unsupported', why: 'here' }, forecast: said }),
  ];
  expect(verdicts).toEqual([true, false, false, true, true, false, true, true, false, true]);
});
