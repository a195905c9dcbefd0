import { expect, test } from 'vitest';
import { wiringOf } from '../../../lab/backends/mininet/wiring.ts';
import { parseTopology } from '../../../lab/topology/load.ts';
import { planTopology } from '../../../lab/topology/plan.ts';

const planOf = (text: string): ReturnType<typeof planTopology>['plan'] => planTopology(parseTopology(text, 'test.yaml')).plan;

const home = (segment: string, host: string, more = ''): string => `
title: A home
segments: { ${segment}: { ${more} }, internet: , office: { mtu: 1400 } }
nats: { box: { inside: ${segment}, outside: internet } }
hosts:
  ${host}: { on: ${segment}, connectsTo: gateway }
  gateway: { on: internet, protects: office }
`;

test('a cable for every interface, with a port of its own on the bridge of its segment', () => {
  const { segments, cables, routes } = wiringOf(planOf(home('home', 'alice')), { netem: false });
  expect(segments).toEqual([{ name: 'home', mtu: 1500 }, { name: 'internet', mtu: 1500 }, { name: 'office', mtu: 1400 }]);
  expect(cables.map(({ host, interface: its, addresses, port }) => `${host} ${its} ${addresses.join()} ${port}`)).toEqual([
    'box eth0 192.168.1.1/24 home-1',
    'box eth1 203.0.113.1/24 internet-1',
    'alice eth0 192.168.1.10/24 home-2',
    'gateway eth0 203.0.113.2/24 internet-2',
    'gateway eth1 10.99.0.1/24 office-1',
  ]);
  expect(routes).toEqual([{ host: 'alice', to: '0.0.0.0/0', via: '192.168.1.1' }]);
});

test.each([
  ['home', 'home', 'segment0'],
  ['the-ground-floor', 'alice', 'segment0'],
  ['lo', 'alice', 'segment0'],
  ['salon 2', 'alice', 'segment0'],
  ['cafe', 'alice', 'cafe'],
])('the bridge of the segment "%s" is no node\'s name, and one that Linux takes', (segment, host, name) => {
  expect(wiringOf(planOf(home(segment, host)), { netem: false }).segments[0]!.name).toBe(name);
});

test('what leaves a host is late and lost as its segment has it, in the machine\'s time, where the kernel can do that', () => {
  const plan = planOf(home('home', 'alice', 'latency: 20 ms, jitter: 5 ms, loss: 0.015'));
  const impairments = (netem: boolean): unknown[] => wiringOf(plan, { netem }).cables.filter(({ segment }) => segment === 'home').map(({ impairment }) => impairment);
  expect(impairments(true)).toEqual(Array(2).fill({ delay: 2000, jitter: 500, loss: 15_000 }));
  expect(impairments(false)).toEqual(Array(2).fill({ delay: 0, jitter: 0, loss: 0 }));
});
