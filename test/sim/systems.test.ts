/** AH and ESP on every system: its daemon tells its stack, in its own words, what the two have agreed on. */
import { describe, expect, test } from 'vitest';
import { loadTopology, vary } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { ip } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import { World } from '../../src/sim/world.ts';
import { systems } from '../../src/wire/pfkey/dialect.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { at } from '../support/worlds.ts';

const there = { direct: { tunnel: '10.99.0.1', transport: '203.0.113.1', protocolAt: 9 }, 'direct-ipv6': { tunnel: 'fd99::1', transport: '2001:db8:1::1', protocolAt: 6 } } as const;

describe.each(systems)('%s', (system) => {
  test.each(
    (['direct', 'direct-ipv6'] as const).flatMap((topology) => (['v1', 'v2'] as const).flatMap((version) => (['tunnel', 'transport'] as const).flatMap((mode) => (['ah', 'esp'] as const).map((protocol) => [topology, version, mode, protocol] as const)))),
  )('%s, IKE%s, %s mode, %s: an echo there and back, and nothing left when it ends', (topology, version, mode, protocol) => {
    const host = { system, ike: { version }, esp: { protocol, mode } };
    const world = new World(planTopology(vary(loadTopology(topology), { hosts: { alice: host, gateway: host } })).plan, { seed: 1, endpoint: createEndpoint });
    world.command('alice', { kind: 'initiate', connection: 'gateway' });
    world.run(at(3_000));
    world.command('alice', { kind: 'udp-echo', echo: 'u', to: ip(there[topology][mode]), count: 1, interval: seconds(1), timeout: seconds(3) });
    world.run(at(10_000));
    expect(world.trace.of('udp-echo-answered')).toHaveLength(1);
    expect(new Set(world.trace.of('packet', 'alice').map(({ body }) => body.bytes[there[topology].protocolAt]))).toEqual(new Set([protocols.udp, protocols[protocol]]));
    expect(world.trace.of('pfkey').filter(({ body }) => body.errno !== 0)).toEqual([]);
    world.command('alice', { kind: 'terminate', connection: 'gateway' });
    world.run(at(20_000));
    for (const name of ['alice', 'gateway']) world.command(name, { kind: 'setkey' });
    world.run(at(21_000));
    expect(world.trace.of('pfkey').filter(({ body }) => body.direction === 'to-setkey' && body.errno === 0)).toEqual([]);
  });
});
