import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { concat } from '../../src/core/bytes.ts';
import { milliseconds, seconds } from '../../src/core/time.ts';
import { impairments } from '../../src/sim/impairment.ts';
import type { Impairment, WorldPlan } from '../../src/sim/plan.ts';
import { World } from '../../src/sim/world.ts';
import { decodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4, encodeIpv4, type Ipv4Packet } from '../../src/wire/ipv4.ts';
import { at, host, router, segment, serialised, stubEndpoint, Talker } from '../support/worlds.ts';

interface Path {
  readonly impairment?: Impairment;
  /** Of the middle segment. */
  readonly mtu?: number;
}

/** alice -- 10.1.0.0/24 -- r1 -- 10.2.0.0/24 -- r2 -- 10.3.0.0/24 -- bob */
const path = ({ impairment = impairments.wan, mtu = 1500 }: Path = {}): WorldPlan => ({
  segments: [segment('left', '10.1.0.0/24', impairments.lan), segment('middle', '10.2.0.0/24', impairment, mtu), segment('right', '10.3.0.0/24', impairments.lan)],
  nodes: [
    host('alice', ['left 10.1.0.2/24'], ['0.0.0.0/0 10.1.0.1'], { endpoint: stubEndpoint('alice', '10.1.0.2') }),
    router('r1', ['left 10.1.0.1/24', 'middle 10.2.0.1/24'], ['10.3.0.0/24 10.2.0.2']),
    router('r2', ['middle 10.2.0.2/24', 'right 10.3.0.1/24'], ['10.1.0.0/24 10.2.0.1']),
    host('bob', ['right 10.3.0.2/24'], ['0.0.0.0/0 10.3.0.1'], { endpoint: stubEndpoint('bob', '10.3.0.2') }),
  ],
});

/** The same with hosts that have no endpoint. */
function plainPath(): WorldPlan {
  const plan = path();
  return { ...plan, nodes: plan.nodes.map((node) => (node.kind === 'host' ? host(node.name, [], [], { interfaces: node.interfaces, routes: node.routes }) : node)) };
}

const alice = ip('10.1.0.2');
const bob = ip('10.3.0.2');

/** alice sends each packet at the millisecond of its place; bob echoes UDP. */
function run(plan: WorldPlan, packets: readonly Uint8Array[], seed = 1): { world: World; bob: Talker; back: Ipv4Packet[] } {
  const talkers = { alice: new Talker(), bob: new Talker(true) };
  packets.forEach((packet, i) => talkers.alice.put(i + 1, { kind: 'bypass', packet }));
  const world = new World(plan, { seed, endpoint: ({ name }) => talkers[name as 'alice' | 'bob'] });
  world.run(at(packets.length + 5_000));
  const back = world.trace.of('packet', 'alice').flatMap(({ body }) => {
    const packet = decodeIpv4(body.bytes);
    return body.direction === 'in' && packet.ok ? [packet.value] : [];
  });
  return { world, bob: talkers.bob, back };
}

/** A UDP datagram without checksum from alice's port 500 to bob's `port`, made by hand. */
function udp(length: number, fields: Partial<Ipv4Packet> & { port?: number } = {}): Uint8Array {
  const { port = 500, ...rest } = fields;
  const payload = concat(Uint8Array.of(1, 244, port >> 8, port & 255, (length + 8) >> 8, (length + 8) & 255, 0, 0), new Uint8Array(length).fill(0x61));
  return encodeIpv4({ source: alice, destination: bob, protocol: 17, payload, ...rest });
}

/** Who says what to alice, in ICMP. */
const told = (back: readonly Ipv4Packet[]): unknown[] =>
  back.map((packet) => {
    const message = decodeIcmp(packet.payload);
    if (!message.ok) return message;
    return { from: packet.source, ...Object.fromEntries(Object.entries(message.value).filter(([field]) => field !== 'quoted')) };
  });

test('a packet passes two routers, one hop older after each, and is seen at every interface', () => {
  const { world, bob: heard } = run(path(), [udp(3)]);
  expect(heard.heard.map(({ text }) => text)).toEqual(['aaa']);
  const there = world.trace.of('packet').filter(({ body }) => body.bytes[19] === 2 && body.bytes[18] === 0 && body.bytes[17] === 3);
  expect(there.map(({ node, at: when, body }) => `${when} ${node} ${body.direction} ${body.segment} ttl ${body.bytes[8]!}`)).toEqual([
    '1 alice out left ttl 64',
    '1.1 r1 in left ttl 64',
    '1.1 r1 out middle ttl 63',
    '11.1 r2 in middle ttl 63',
    '11.1 r2 out right ttl 62',
    '11.2 bob in right ttl 62',
  ]);
  for (const { body } of there) expect(decodeIpv4(body.bytes).ok).toBe(true); // the header checksum is right everywhere
  expect(there[1]!.body.bytes).toBe(there[0]!.body.bytes); // one wire, the same bytes
  expect(there.slice(1).map(({ cause }) => cause)).toEqual(there.slice(0, -1).map(({ seq }) => seq));
});

test('a ping goes there and back in the time that the links take', () => {
  const world = new World(plainPath(), { seed: 1, endpoint: () => new Talker() });
  world.command('alice', { kind: 'ping', ping: 'hello', to: bob, count: 2, interval: seconds(1), timeout: seconds(3) });
  world.run(at(10_000));
  expect(world.trace.of('ping-answered').map(({ node, at: when, body }) => ({ node, when, ...body }))).toEqual([
    { node: 'alice', when: expect.closeTo(20.4, 5) as number, kind: 'ping-answered', ping: 'hello', from: alice, to: bob, sequence: 1, roundTrip: expect.closeTo(20.4, 5) as number },
    { node: 'alice', when: expect.closeTo(1020.4, 5) as number, kind: 'ping-answered', ping: 'hello', from: alice, to: bob, sequence: 2, roundTrip: expect.closeTo(20.4, 5) as number },
  ]);
  const [request] = world.trace.of('packet', 'bob');
  expect(new TextDecoder().decode(request!.body.bytes)).toContain('ping hello #1 ');
});

test.each([
  [1, '10.1.0.1'],
  [2, '10.2.0.2'],
])('with TTL %i the packet dies at %s, which says so', (ttl, who) => {
  const { world, back, bob: heard } = run(path(), [udp(3, { ttl })]);
  expect(told(back)).toEqual([{ from: who, kind: 'time-exceeded', what: 'ttl' }]);
  expect(world.trace.of('drop').map(({ body }) => body.reason)).toEqual(['ttl-expired']);
  expect(heard.heard).toEqual([]);
});

test('a router speaks from the interface that the packet came in on', () => {
  const dying = encodeIpv4({ source: bob, destination: alice, protocol: 17, ttl: 1, payload: new Uint8Array(8) });
  const talker = new Talker().put(1, { kind: 'bypass', packet: dying });
  const world = new World(path(), { seed: 1, endpoint: ({ name }) => (name === 'bob' ? talker : new Talker()) });
  world.run(at(100));
  const answer = decodeIpv4(world.trace.of('packet', 'bob').at(-1)!.body.bytes);
  expect(answer.ok && told([answer.value])).toEqual([{ from: ip('10.3.0.1'), kind: 'time-exceeded', what: 'ttl' }]);
});

test.each([
  ['10.1.0.99', 'ping lost at 0 ms: 10.1.0.2 says: unreachable'], // nobody on its own segment: it says so itself
  ['10.3.0.99', 'ping lost at 20.2 ms: 10.2.0.2 says: unreachable'],
])('a ping to %s, where nobody is, ends as soon as somebody knows', (to, end) => {
  const world = new World(plainPath(), { seed: 1, endpoint: () => new Talker() });
  world.command('alice', { kind: 'ping', ping: 'anybody', to: ip(to), count: 1, interval: seconds(1), timeout: seconds(3) });
  world.run(at(5000));
  expect(world.trace.of('ping-lost').map(({ at: when, body }) => `ping lost at ${Number(when.toFixed(3))} ms: ${body.why}`)).toEqual([end]);
});

test.each([
  ['an address that nobody routes', { destination: ip('203.0.113.1') }, { from: '10.1.0.1', kind: 'unreachable', code: 0 }, 'no-route'],
  ['a host that is not there', { destination: ip('10.3.0.77') }, { from: '10.2.0.2', kind: 'unreachable', code: 1 }, 'no-neighbour'],
  ['a protocol that bob does not speak', { protocol: 132 }, { from: '10.3.0.2', kind: 'unreachable', code: 2 }, 'no-listener'],
  ['a port without a listener', { port: 501 }, { from: '10.3.0.2', kind: 'unreachable', code: 3 }, 'no-listener'],
  ['a port of a router', { destination: ip('10.2.0.2') }, { from: '10.2.0.2', kind: 'unreachable', code: 3 }, 'no-listener'],
])('%s is unreachable', (_, fields, error, reason) => {
  const { world, back } = run(path(), [udp(3, fields)]);
  expect(told(back)).toEqual([error]);
  expect(world.trace.of('drop').map(({ body }) => body.reason)).toEqual([reason]);
});

test('no ICMP error answers an ICMP error', () => {
  const timeExceeded = encodeIpv4({ source: alice, destination: ip('203.0.113.1'), protocol: 1, payload: concat(Uint8Array.of(11, 0, 0xf4, 0xff, 0, 0, 0, 0)) });
  expect(run(path(), [timeExceeded]).back).toEqual([]);
});

test('a packet that must not be fragmented comes to a link too small for it: its sender learns the MTU', () => {
  const { world, back } = run(path({ mtu: 576 }), [udp(1000, { dontFragment: true })]);
  expect(told(back)).toEqual([{ from: '10.1.0.1', kind: 'fragmentation-needed', mtu: 576 }]);
  expect(world.trace.of('drop').map(({ body }) => body.reason)).toEqual(['mtu-exceeded']);
});

test.each([
  ['in order', impairments.wan],
  ['in any order and doubled', { ...impairments.wan, jitter: milliseconds(10), duplication: 0.5 }],
])('a datagram crosses a small link in fragments, which arrive %s and make the same datagram again', (_, impairment) => {
  const lengths = [1400, 549, 548, 3000, 1];
  const { world, bob: heard, back } = run(path({ mtu: 576, impairment }), lengths.map((length, i) => udp(length, { identification: 100 + i })));
  expect(new Set(heard.heard.map(({ text }) => text.length))).toEqual(new Set(lengths));
  for (const { body } of world.trace.of('packet')) if (body.segment === 'middle') expect(body.bytes.length).toBeLessThanOrEqual(576);
  expect(back.length).toBeGreaterThan(lengths.length); // bob's echoes come back in fragments too
});

test('fragments without the missing one are given up after 30 s, and their sender is told', () => {
  const whole = udp(1000, { identification: 7 });
  const first = encodeIpv4({ source: alice, destination: bob, protocol: 17, identification: 7, moreFragments: true, payload: whole.subarray(20, 20 + 512) });
  const talker = new Talker().put(1, { kind: 'bypass', packet: first });
  const world = new World(path(), { seed: 1, endpoint: ({ name }) => (name === 'alice' ? talker : new Talker()) });
  world.run(at(29_000));
  expect(world.trace.of('drop')).toEqual([]);
  world.run(at(31_000));
  expect(world.trace.of('drop', 'bob').map(({ body }) => body.reason)).toEqual(['ip-reassembly-timeout']);
  const last = decodeIpv4(world.trace.of('packet', 'alice').at(-1)!.body.bytes);
  expect(last.ok && told([last.value])).toEqual([{ from: bob, kind: 'time-exceeded', what: 'reassembly' }]);
});

test('over a lossy link some of the datagrams arrive, and the trace says which were lost', () => {
  const packets = Array.from({ length: 400 }, () => udp(10));
  const { world, bob: heard } = run(path({ impairment: { ...impairments.wan, loss: 0.1 } }), packets, 5);
  const lostThere = world.trace.of('impaired', 'r1').length;
  expect(heard.heard.length + lostThere).toBe(400);
  expect(lostThere).toBeGreaterThan(20); // 40 expected, standard deviation 6
  expect(lostThere).toBeLessThan(60);
});

test('when a link is down nothing passes; when it is up again, everything', () => {
  const talker = new Talker().put(2, { kind: 'bypass', packet: udp(3) }).put(100, { kind: 'bypass', packet: udp(4) });
  const world = new World(path(), { seed: 1, endpoint: ({ name }) => (name === 'alice' ? talker : new Talker(true)) });
  world.disturb('middle', { kind: 'down' });
  world.run(at(50));
  world.disturb('middle', { kind: 'up' });
  expect(world.runUntil(() => talker.heard.length > 0, at(1000))).toBe('met');
  expect(world.trace.of('impaired').map(({ body }) => body.how)).toEqual(['down']);
  expect(talker.heard.map(({ text }) => text)).toEqual(['aaaa']);
});

test('running until something happens stops at that instant; what never happens ends at the deadline', () => {
  const talker = new Talker().put(10, { kind: 'bypass', packet: udp(3) });
  const world = new World(path(), { seed: 1, endpoint: ({ name }) => (name === 'alice' ? talker : new Talker(true)) });
  expect(world.runUntil(() => world.trace.of('packet', 'bob').length > 0, at(1000))).toBe('met');
  expect(world.now).toBeCloseTo(20.2);
  expect(world.runUntil(() => false, at(1000))).toBe('timed out');
  expect(world.now).toBe(1000);
});

test('raw ESP reaches the host that speaks it, header and all', () => {
  const talkers = { alice: new Talker().put(1, { kind: 'esp', source: alice, destination: bob, payload: Uint8Array.of(0, 0, 0x10, 1, 0, 0, 0, 1) }), bob: new Talker() };
  const world = new World(path(), { seed: 1, endpoint: ({ name }) => talkers[name as 'alice' | 'bob'] });
  world.run(at(100));
  expect(talkers.bob.esp).toEqual(['10.1.0.2 > 10.3.0.2: 0000100100000001']);
});

test('the same seed gives the same trace, byte for byte; another seed another', () => {
  const packets = Array.from({ length: 100 }, (_, i) => udp(1200, { identification: i }));
  const trace = (seed: number): string => serialised(run(path({ mtu: 576, impairment: impairments.hostile }), packets, seed).world.trace);
  expect(trace(1) === trace(1)).toBe(true);
  expect(trace(1) === trace(2)).toBe(false);
});

test('one more host changes nothing in what the others send and receive', () => {
  const packets = Array.from({ length: 50 }, (_, i) => udp(1200, { identification: i }));
  const plan = path({ mtu: 576, impairment: impairments.hostile });
  const lonely = run(plan, packets).world;
  const carol = host('carol', ['middle 10.2.0.9/24'], ['0.0.0.0/0 10.2.0.2']);
  const talker = new Talker();
  packets.forEach((packet, i) => talker.put(i + 1, { kind: 'bypass', packet }));
  const crowded = new World(
    { segments: plan.segments, nodes: [carol, ...plan.nodes] },
    { seed: 1, endpoint: ({ name }) => (name === 'alice' ? talker : new Talker(true)) },
  );
  crowded.command('carol', { kind: 'ping', ping: 'me too', to: ip('10.2.0.1'), count: 20, interval: milliseconds(5), timeout: seconds(1) });
  crowded.run(lonely.now);
  const seen = (world: World, node: string): string[] => world.trace.of('packet', node).map(({ at: when, body }) => `${when} ${body.direction} ${hex(body.bytes)}`);
  expect(crowded.trace.of('ping-sent').length).toBe(20);
  expect(seen(crowded, 'alice').join() === seen(lonely, 'alice').join()).toBe(true);
});

test('a host that does not forward keeps what is not its own to itself', () => {
  const plan = path();
  const nodes = plan.nodes.map((node) => (node.name === 'r2' ? host('r2', ['middle 10.2.0.2/24', 'right 10.3.0.1/24']) : node));
  const { world, back } = run({ ...plan, nodes }, [udp(3)]);
  expect(back).toEqual([]);
  expect(world.trace.of('drop', 'r2').map(({ body }) => body.reason)).toEqual(['no-route']);
});

test('a next hop that no interface leads to is a bug of the plan', () => {
  const plan: WorldPlan = { segments: [segment('left', '10.1.0.0/24')], nodes: [host('alice', ['left 10.1.0.2/24'], ['0.0.0.0/0 10.9.0.1'])] };
  expect(() => new World(plan, { seed: 1, endpoint: () => new Talker() })).toThrow('10.9.0.1');
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
