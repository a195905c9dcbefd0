/** Topologies with boxes that translate IPv6: what is planned, what is refused, and lessons behind them. */
import { describe, expect, test } from 'vitest';
import { netns } from '../../lab/backends/netns/backend.ts';
import { placeProbe } from '../../lab/probe/place.ts';
import { loadTopology, vary } from '../../lab/topology/load.ts';
import type { LoadedTopology, Variation } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import type { NatPlan, NodePlan } from '../../src/sim/plan.ts';
import { notPassed, play } from '../support/lessons.ts';

const nodeIn = (topology: LoadedTopology, name: string): NodePlan => planTopology(topology).plan.nodes.find((node) => node.name === name)!;
const boxIn = (topology: LoadedTopology): NatPlan => nodeIn(topology, 'box') as NatPlan;
const remoteOf = (topology: LoadedTopology): unknown => {
  const alice = nodeIn(topology, 'alice');
  return alice.kind === 'host' && alice.endpoint?.ike.connections[0]?.remote;
};

describe('nat64', () => {
  const topology = loadTopology('nat64');

  test('the client finds its gateway behind the prefix, the box the way to it', () => {
    expect(remoteOf(topology)).toBe('64:ff9b::cb00:7102');
    expect(boxIn(topology).box.ipv6).toEqual({ kind: 'nat64', pref64: { address: '64:ff9b::', length: 96 }, mtu: { inside: 1500, outside: 1500 } });
    expect(boxIn(topology).routes).toContainEqual({ to: { address: '64:ff9b::', length: 96 }, via: '203.0.113.1' });
  });

  test('the prefix may be one of the network', () => {
    const own = vary(topology, { nats: { box: { pref64: '2001:db8:64::/48' } } });
    expect(remoteOf(own)).toBe('2001:db8:64:cb00:71:200::');
  });

  test('knobs are turned as on any box', () => {
    const own = boxIn(vary(topology, { nats: { box: { behaviour: { timeouts: { unreplied: '40 s' } } } } }));
    expect(own.box.behaviour.timeouts.unreplied).toBe(40_000);
  });

  test('IKE and ESP go through: all that the lesson claims of one box holds', async () => {
    expect(notPassed(await play('detection', { set: ['position=initiator'] }, { topology: 'nat64' }))).toEqual([]);
  });
});

describe('nptv6', () => {
  const topology = loadTopology('nptv6');

  test('the box stands for a prefix, and others know the way to it', () => {
    expect(boxIn(topology).box).toMatchObject({ outsideAddresses: [], ipv6: { kind: 'nptv6', inside: { address: 'fd01:203:405:1::', length: 64 }, outside: { address: '2001:db8:1:1::', length: 64 } } });
    expect(nodeIn(topology, 'gateway').routes).toContainEqual({ to: { address: '2001:db8:1:1::', length: 64 }, via: '2001:db8:2::1' });
  });

  test('a prefix that nobody has written is planned', () => {
    expect(boxIn(vary(topology, { nats: { box: { outsidePrefix: null } } })).box.ipv6).toMatchObject({ outside: { address: '2001:db8:6296:1::', length: 64 } });
  });

  test('every claim of the detection lesson holds behind it', async () => {
    expect(notPassed(await play('detection', { set: ['position=initiator'] }, { topology: 'nptv6' }))).toEqual([]);
  });
});

describe('what stands where it cannot', () => {
  const refusals: readonly (readonly [string, Variation, RegExp])[] = [
    ['home', { nats: { box: { preset: 'nat64' } } }, /home has IPv4, and nat64 is a gateway from IPv6 inside to IPv4 outside/],
    ['nat64', { nats: { box: { preset: 'linux-masquerade' } } }, /mobile has IPv6, and linux-masquerade is a box between networks of IPv4; presets for IPv6 are nat64 and nptv6/],
    ['nat64', { nats: { box: { preset: 'nptv6' } } }, /internet has IPv4, and nptv6 is a translator between networks of IPv6/],
    ['nat64', { nats: { box: { pref64: '2001:db8::/97' } } }, /2001:db8::\/97: expected a prefix of IPv6 of 32, 40, 48, 56, 64, 96 bits/],
    ['home', { nats: { box: { pref64: '64:ff9b::/96' } } }, /only NAT64 has one; linux-masquerade is a box between networks of IPv4/],
    ['nat64', { nats: { box: { outsidePrefix: '2001:db8::/64' } } }, /only NPTv6 has one/],
    ['nptv6', { nats: { box: { outsidePrefix: '2001:db8::/48' } } }, /expected prefixes of one length, 64 bits at the most/],
    ['nptv6', { nats: { box: { behaviour: { refresh: 'both' } } } }, /a prefix translator has no ports, no timers and no table/],
    ['nptv6', { nats: { box: { forwards: [{ protocol: 'esp', to: 'alice' }] } } }, /a prefix translator forwards everything/],
  ];
  test.each(refusals)('%s with %o', (name, variation, message) => expect(() => planTopology(vary(loadTopology(name), variation))).toThrow(message));
});

test.each(['nat64', 'nptv6'])('%s runs on the machine in namespaces, and the kernel is refused by name', (name) => {
  expect(netns.unsupported(planTopology(loadTopology(name)).plan, 'auto')).toEqual([]);
  expect(netns.natEngine(boxIn(loadTopology(name)), 'auto')).toBe('machine');
  expect(netns.unsupported(planTopology(loadTopology(name)).plan, 'kernel')).toContainEqual({ what: `box: ${name}`, why: expect.stringContaining('nftables has neither NAT64') as string });
});

test.each([['nat64', 'mobile'], ['nptv6', 'site']])('%s is not for the probe, which speaks IPv4', (name, segment) => {
  expect(() => placeProbe(loadTopology(name))).toThrow(`the probe speaks IPv4, and the topology ${name} has IPv6 on ${segment}`);
});
