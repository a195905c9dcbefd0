/** Which cells come of what was asked: each act as often as it makes a difference, and no more often. */
import { describe, expect, test } from 'vitest';
import { Problem } from '../../lab/problem.ts';
import { brief, plan } from './cells.ts';

describe('an act is played once for each box and version that makes a difference to it', () => {
  test.each([
    ['an act without a box is its own cell, however many boxes are asked for', { nat: ['symmetric', 'mikrotik'] }, ['port-float/symmetric/own/sim: float start-on-4500', 'port-float/own/own/sim: no-nat', 'port-float/mikrotik/own/sim: float start-on-4500']],
    ['a lesson that keeps its boxes', { scenario: ['carrier'], nat: ['symmetric', 'mikrotik'] }, ['carrier/own/own/sim: twice runs-out start-on-4500']],
    ['a lesson that keeps its version of IKE', { scenario: ['helper'], ike: ['v1', 'v2'] }, ['helper/own/own/sim: stripped start-on-4500 ikev2 ikev2-start-on-4500']],
    ['what is asked for and is the lesson\'s own anyway', { scenario: ['port-float'], nat: ['own', 'linux-masquerade'], ike: ['own', 'v2', 'v1'] }, ['port-float/own/own/sim: float start-on-4500 no-nat', 'port-float/own/v1/sim: float start-on-4500 no-nat']],
    ['a lesson of which some acts keep their version', { scenario: ['l2tp'], ike: ['v2'] }, ['l2tp/own/own/sim: alone together own-ports tunnel-mode', 'l2tp/own/v2/sim: any-daemon']],
  ] as const)('%s', async (_, selection, expected) => {
    expect(brief(await plan(selection))).toEqual(expected);
  });

  test('on each backend', async () => {
    expect((await plan({ backend: ['sim', 'netns'] })).map(({ id }) => id)).toEqual(['port-float/own/own/sim', 'port-float/own/own/netns']);
  });
});

describe('include and exclude', () => {
  test('an exclusion takes away what fits all that it names', async () => {
    const cells = await plan({ scenario: ['port-float', 'keepalive'], nat: ['symmetric', 'mikrotik'], exclude: [{ scenario: ['keepalive'], nat: ['symmetric'] }, { nat: ['own'] }] });
    expect(cells.map(({ id }) => id)).toEqual(['port-float/symmetric/own/sim', 'port-float/mikrotik/own/sim', 'keepalive/mikrotik/own/sim']);
  });

  test('an inclusion adds its combinations, each cell once', async () => {
    const cells = await plan({ include: [{ scenario: ['passthrough', 'port-float'], nat: ['own', 'passthrough-off'], ike: ['own'], backend: ['sim'] }] });
    expect(cells.map(({ id }) => id)).toEqual(['port-float/own/own/sim', 'passthrough/own/own/sim', 'passthrough/passthrough-off/own/sim', 'port-float/passthrough-off/own/sim']);
  });

  test('a matrix that is excluded as a whole is a mistake', async () => {
    await expect(plan({ exclude: [{}] })).rejects.toThrow(Problem);
  });
});

test('a network that cannot be is a cell all the same: it will say why', async () => {
  expect((await plan({ nat: ['own', 'nat64'] })).map(({ id }) => id)).toEqual(['port-float/own/own/sim', 'port-float/nat64/own/sim']);
});
