/** A client of every system behind a NAT, with a gateway of every system: daemon and stack understand each other in that system's PF_KEY, and one system the other on the wire. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { after, minutes, seconds, type Duration } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import { World } from '../../src/sim/world.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { systems, type System } from '../../src/wire/pfkey/dialect.ts';
import { Problem } from '../../lab/problem.ts';
import { adjustmentToVariation } from '../../lab/topology/cast.ts';
import { loadTopology, vary } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';

interface Meeting {
  readonly trace: TraceLog;
  readonly world: World;
  pass(time: Duration): void;
  ping(name: string): boolean;
}

function meeting(client: System | undefined, gateway: System | undefined, esp: { readonly mode?: 'transport' } = {}): Meeting {
  const loaded = loadTopology('home');
  const side = (system: System | undefined) => ({ ...(system && { system }), ike: { keepalive: '20 s' }, esp });
  const { plan } = planTopology(vary(loaded, adjustmentToVariation(loaded, { clients: side(client), gateway: side(gateway) })));
  const trace = new TraceLog();
  const world = new World(plan, { seed: 1, trace, endpoint: createEndpoint });
  const pass = (time: Duration): void => void world.runUntil(() => false, after(world.now, time));
  world.command('alice', { kind: 'initiate', connection: 'gateway' });
  pass(seconds(5));
  return {
    trace, world, pass,
    ping(name) {
      world.command('alice', { kind: 'ping', ping: name, to: ip('10.99.0.1'), count: 1, interval: seconds(1), timeout: seconds(3) });
      pass(seconds(4));
      return trace.of('ping-answered', 'alice').some(({ body }) => body.ping === name);
    },
  };
}

const refusals = ({ trace }: Meeting): string[] => trace.of('pfkey').flatMap(({ node, body }) => (body.errno === 0 ? [] : [`${node} ${body.type} ${body.errno}`]));
const drops = ({ trace }: Meeting): string[] => trace.events.flatMap(({ node, body }) => (body.kind === 'drop' && body.reason !== 'natt-keepalive' ? [`${node} ${body.reason}`] : []));

/** What of UDP passed the interface of a host, outbound, as payloads from port 4500. */
const sentFrom4500 = ({ trace }: Meeting, node: string): Uint8Array[] =>
  trace.of('packet', node).flatMap(({ body }) => {
    const packet = decodeIp(body.bytes);
    return body.direction === 'out' && packet.ok && packet.value.protocol === 17 && packet.value.payload[0] === 4500 >> 8 && packet.value.payload[1] === (4500 & 255) ? [packet.value.payload.subarray(8)] : [];
  });

describe.each(systems)('a client of %s', (client) => {
  test.each(systems)('and a gateway of %s: set up, rekeyed from both sides, rekeyed again, ended; nothing is left', (gateway) => {
    const both = meeting(client, gateway);
    expect(both.ping('first')).toBe(true);
    for (const [host, connection] of [['alice', 'gateway'], ['gateway', 'clients']] as const) {
      both.world.command(host, { kind: 'rekey', connection, what: 'child' });
      both.pass(seconds(5));
      expect(both.ping(`after ${host}`)).toBe(true);
    }
    both.pass(minutes(10));
    expect(both.ping('after ten minutes')).toBe(true);
    both.world.command('alice', { kind: 'terminate', connection: 'gateway' });
    both.pass(seconds(5));
    expect([refusals(both), drops(both)]).toEqual([[], []]);
    for (const host of ['alice', 'gateway']) {
      expect(both.trace.of('sa-added', host)).toHaveLength(6);
      expect(both.trace.of('sa-deleted', host)).toHaveLength(6);
    }
    expect(both.ping('afterwards')).toBe(false);
  });

  test.each(systems)('and a gateway of %s, in transport mode: the checksums are made good on either side', (gateway) => {
    const both = meeting(client, gateway, { mode: 'transport' });
    both.world.command('alice', { kind: 'udp-echo', echo: 'hello', to: ip('203.0.113.2'), count: 1, interval: seconds(1), timeout: seconds(3) });
    both.world.command('alice', { kind: 'tcp-probe', probe: 'hello', to: ip('203.0.113.2'), timeout: seconds(3) });
    both.pass(seconds(5));
    expect([both.trace.of('udp-echo-answered', 'alice').length, both.trace.of('tcp-probe-answered', 'alice').length]).toEqual([1, 1]);
    expect(refusals(both)).toEqual([]);
  });

  test('keeps its mapping alive, and its IKE behind the marker, whoever does it', () => {
    const both = meeting(client, undefined);
    both.pass(minutes(2));
    const sent = sentFrom4500(both, 'alice');
    const keepalives = sent.filter((payload) => payload.length === 1);
    expect(keepalives).toEqual(Array.from({ length: 6 }, () => Uint8Array.of(0xff)));
    const marked = sent.filter((payload) => payload.length > 8 && payload.subarray(0, 4).every((octet) => octet === 0));
    expect(marked.length).toBeGreaterThan(0);
    expect(marked.every((payload) => payload.subarray(4, 12).some((octet) => octet !== 0))).toBe(true); // the initiator's SPI: one marker, not two
    expect(both.trace.of('keepalive-sent', 'alice')).toHaveLength(client === 'illumos' ? 0 : 6);
  });
});

test('two clients of OpenBSD behind one box are told apart by their identities', () => {
  const loaded = loadTopology('home');
  const { plan } = planTopology(vary(loaded, { hosts: { alice: { count: 2 }, gateway: { system: 'openbsd' } } }));
  const trace = new TraceLog();
  const world = new World(plan, { seed: 1, trace, endpoint: createEndpoint });
  const clients = plan.nodes.flatMap((node) => (node.kind === 'host' && node.name.startsWith('alice') ? [node.name] : []));
  for (const name of clients) world.command(name, { kind: 'initiate', connection: 'gateway' });
  world.runUntil(() => false, after(world.now, seconds(5)));
  for (const name of clients) world.command(name, { kind: 'ping', ping: name, to: ip('10.99.0.1'), count: 1, interval: seconds(1), timeout: seconds(3) });
  world.runUntil(() => false, after(world.now, seconds(5)));
  expect(trace.of('ping-answered').map(({ node }) => node).sort()).toEqual(clients);
});

test('a topology that wants longer keepalives of illumos than it has is refused where it says so', () => {
  const loaded = loadTopology('home');
  expect(() => planTopology(vary(loaded, { hosts: { alice: { system: 'illumos', ike: { keepalive: '11 min' } } } }))).toThrow(Problem);
});
