import { expect, test } from 'vitest';
import { describeEndpoint, ip } from '../../src/core/address.ts';
import { concat } from '../../src/core/bytes.ts';
import { minutes, seconds } from '../../src/core/time.ts';
import type { NatBehaviour, PortForward } from '../../src/nat/behaviour.ts';
import { changed, presetNamed } from '../../src/nat/presets.ts';
import { impairments } from '../../src/sim/impairment.ts';
import type { WorldPlan } from '../../src/sim/plan.ts';
import { World } from '../../src/sim/world.ts';
import { decodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIpv4, decodeQuotedIpv4, encodeIpv4 } from '../../src/wire/ipv4.ts';
import { at, endpoint, host, natBox, router, segment, stubEndpoint, Talker } from '../support/worlds.ts';

const linux = presetNamed('linux-masquerade')!.behaviour;

/** alice, carol -- 192.168.1.0/24 -- box -- 198.51.100.0/24 -- isp -- 203.0.113.0/24 -- bob */
const home = (behaviour: NatBehaviour, forwards: readonly PortForward[] = [], mtu = 1500): WorldPlan => ({
  segments: [segment('home', '192.168.1.0/24'), segment('access', '198.51.100.0/24', impairments.wan, mtu), segment('servers', '203.0.113.0/24')],
  nodes: [
    host('alice', ['home 192.168.1.2/24'], ['0.0.0.0/0 192.168.1.1'], { endpoint: stubEndpoint('alice', '192.168.1.2') }),
    host('carol', ['home 192.168.1.3/24'], ['0.0.0.0/0 192.168.1.1'], { endpoint: stubEndpoint('carol', '192.168.1.3') }),
    natBox('box', ['home 192.168.1.1/24', 'access 198.51.100.2/24'], ['0.0.0.0/0 198.51.100.1'], behaviour, forwards),
    router('isp', ['access 198.51.100.1/24', 'servers 203.0.113.1/24']),
    host('bob', ['servers 203.0.113.5/24'], ['0.0.0.0/0 203.0.113.1'], { endpoint: stubEndpoint('bob', '203.0.113.5') }),
  ],
});

const alice = endpoint('192.168.1.2', 4500);
const carol = endpoint('192.168.1.3', 4500);
const bob = endpoint('203.0.113.5', 4500);
const outside = endpoint('198.51.100.2', 4500);

interface Talkers {
  readonly alice: Talker;
  readonly carol: Talker;
  readonly bob: Talker;
}

/** Runs the home for a while; bob answers every datagram. */
function run(behaviour: NatBehaviour, say: (talkers: Talkers) => void, { forwards = [], mtu, until = 1000 }: { forwards?: readonly PortForward[]; mtu?: number; until?: number } = {}): Talkers & { world: World } {
  const talkers: Talkers = { alice: new Talker(), carol: new Talker(), bob: new Talker(true) };
  say(talkers);
  const world = new World(home(behaviour, forwards, mtu), { seed: 1, endpoint: ({ name }) => talkers[name as keyof Talkers] });
  world.run(at(until));
  return { world, ...talkers };
}

const heard = (talker: Talker): string[] => talker.heard.map(({ peer, text }) => `${text} from ${describeEndpoint(peer)}`);
const drops = (world: World): string[] => world.trace.of('drop').map(({ node, layer, body }) => `${node} ${layer} ${body.reason}`);

/** ICMP that a node received: kind, sender, and whose packet an error is about. */
const icmpAt = (world: World, node: string): unknown[] =>
  world.trace.of('packet', node).flatMap(({ body }) => {
    const packet = decodeIpv4(body.bytes);
    if (body.direction === 'out' || !packet.ok || packet.value.protocol !== 1) return [];
    const message = decodeIcmp(packet.value.payload);
    const quoted = message.ok && 'quoted' in message.value ? decodeQuotedIpv4(message.value.quoted) : undefined;
    return [{ from: packet.value.source, kind: message.ok && message.value.kind, ...(quoted?.ok && { about: `${quoted.value.source} > ${quoted.value.destination}` }) }];
  });

const big = 'x'.repeat(1200);

test('a datagram passes the box from inside to outside, and its answer comes back', () => {
  const { world, ...talkers } = run(linux, (t) => t.alice.say(1, alice, bob, 'hello'));
  expect(heard(talkers.bob)).toEqual(['hello from 198.51.100.2:4500']);
  expect(heard(talkers.alice)).toEqual(['hello from 203.0.113.5:4500']);
  expect(world.trace.of('mapping-created').map(({ node, layer }) => `${node} ${layer}`)).toEqual(['box nat']);
  expect(world.mappings('box').map((row) => `${describeEndpoint(row.inside)} ${describeEndpoint(row.outside)} ${row.replied}`)).toEqual(['192.168.1.2:4500 198.51.100.2:4500 true']);
});

test('what the box rewrites is seen before and after, one hop older, and the bytes seen before stay as they were', () => {
  const { world } = run(linux, (t) => t.alice.say(1, alice, bob, 'hello'));
  const atBox = world.trace.of('packet', 'box').map(({ body }) => {
    const packet = decodeIpv4(body.bytes);
    return packet.ok && `${body.interface} ${body.direction}: ${packet.value.source} > ${packet.value.destination} ttl ${packet.value.ttl}`;
  });
  expect(atBox).toEqual([
    'eth0 in: 192.168.1.2 > 203.0.113.5 ttl 64',
    'eth1 out: 198.51.100.2 > 203.0.113.5 ttl 63',
    'eth1 in: 203.0.113.5 > 198.51.100.2 ttl 63',
    'eth0 out: 203.0.113.5 > 192.168.1.2 ttl 62',
  ]);
});

test('two clients that use the same port reach the same server through different outside ports, and each gets its own answer', () => {
  const talkers = run(linux, (t) => {
    t.alice.say(1, alice, bob, 'from alice');
    t.carol.say(2, carol, bob, 'from carol');
  });
  expect(new Set(talkers.bob.heard.map(({ peer }) => peer.port)).size).toBe(2);
  expect(heard(talkers.alice)).toEqual(['from alice from 203.0.113.5:4500']);
  expect(heard(talkers.carol)).toEqual(['from carol from 203.0.113.5:4500']);
});

test('what comes from outside without a mapping dies at the box', () => {
  const { world, alice: talker } = run(linux, (t) => t.bob.say(1, bob, outside, 'anybody?'));
  expect(talker.heard).toEqual([]);
  expect(drops(world)).toEqual(['box nat nat-no-mapping']);
});

test('a forwarded port leads from outside to its host inside', () => {
  const forwards: PortForward[] = [{ protocol: 'udp', port: 4500, to: carol }];
  expect(heard(run(linux, (t) => t.bob.say(1, bob, outside, 'knock'), { forwards }).carol)).toEqual(['knock from 203.0.113.5:4500']);
});

test('a mapping expires in virtual time, to the millisecond, and then an answer is too late', () => {
  const { world, alice: talker } = run(
    linux,
    (t) => {
      t.alice.say(0, alice, endpoint('203.0.113.5', 501), 'nobody answers here'); // bob says so by ICMP, which refreshes nothing
      t.bob.say(30_100, endpoint('203.0.113.5', 501), outside, 'too late');
    },
    { until: 60_000 },
  );
  expect(world.trace.of('mapping-expired').map(({ at: when }) => when)).toEqual([30_000.1]); // the packet took 0.1 ms to the box
  expect(talker.heard).toEqual([]);
  expect(drops(world).at(-1)).toBe('box nat nat-no-mapping');
});

test('a box with hairpinning turns a packet to its own outside address around', () => {
  const fullCone = presetNamed('full-cone')!.behaviour;
  const say = (t: Talkers): void => {
    t.alice.say(1, alice, bob, 'open a mapping');
    t.carol.say(100, carol, outside, 'hello neighbour');
  };
  expect(heard(run(fullCone, say).alice).at(-1)).toMatch(/^hello neighbour from 198\.51\.100\.2:/);
  const without = run(linux, say);
  expect(heard(without.alice)).toEqual(['open a mapping from 203.0.113.5:4500']);
  expect(drops(without.world)).toEqual(['box nat nat-hairpin']);
});

test('two clients inside talk to one another past the box', () => {
  const { world, carol: talker } = run(linux, (t) => t.alice.say(1, alice, carol, 'psst'));
  expect(heard(talker)).toEqual(['psst from 192.168.1.2:4500']);
  expect(world.trace.of('packet', 'box')).toEqual([]);
});

test('the box answers a ping to its inside address, and has no ears at its outside one', () => {
  const world = new World(
    { ...home(linux), nodes: home(linux).nodes.map((node) => (node.name === 'alice' ? host('alice', ['home 192.168.1.2/24'], ['0.0.0.0/0 192.168.1.1']) : node)) },
    { seed: 1, endpoint: () => new Talker() },
  );
  for (const to of ['192.168.1.1', '198.51.100.2']) world.command('alice', { kind: 'ping', ping: to, to: ip(to), count: 1, interval: seconds(1), timeout: seconds(1) });
  world.run(at(5000));
  expect(world.trace.of('ping-answered').map(({ body }) => body.ping)).toEqual(['192.168.1.1']);
  expect(world.trace.of('ping-lost').map(({ body }) => body.ping)).toEqual(['198.51.100.2']);
});

test('a ping passes the box and comes back to whoever asked', () => {
  const plain = (name: string, address: string) => host(name, [`home ${address}/24`], ['0.0.0.0/0 192.168.1.1']);
  const nodes = home(linux).nodes.map((node) => (node.name === 'alice' ? plain('alice', '192.168.1.2') : node.name === 'carol' ? plain('carol', '192.168.1.3') : node));
  const world = new World({ ...home(linux), nodes }, { seed: 1, endpoint: () => new Talker() });
  for (const name of ['alice', 'carol']) world.command(name, { kind: 'ping', ping: `by ${name}`, to: bob.address, count: 3, interval: seconds(1), timeout: seconds(1) });
  world.run(at(5000));
  const answered = world.trace.of('ping-answered').map(({ node, body }) => `${node}: ${body.ping} ${body.sequence}`).sort();
  expect(answered).toEqual([1, 2, 3].map((n) => `alice: by alice ${n}`).concat([1, 2, 3].map((n) => `carol: by carol ${n}`)));
});

test('the box says that a packet has lived too long: inside with its inside address, outside with its outside one', () => {
  const dying = (source: string, destination: string): Uint8Array => encodeIpv4({ source: ip(source), destination: ip(destination), ttl: 1, protocol: 17, payload: Uint8Array.of(1, 2, 3, 4, 0, 8, 0, 0) });
  const { world } = run(linux, (t) => {
    t.alice.put(1, { kind: 'bypass', packet: dying('192.168.1.2', '203.0.113.5') });
    t.bob.put(100, { kind: 'bypass', packet: encodeIpv4({ source: bob.address, destination: outside.address, ttl: 2, protocol: 17, payload: Uint8Array.of(1, 2, 3, 4, 0, 8, 0, 0) }) });
  });
  expect(icmpAt(world, 'alice')).toEqual([{ from: '192.168.1.1', kind: 'time-exceeded', about: '192.168.1.2 > 203.0.113.5' }]);
  expect(icmpAt(world, 'bob')).toEqual([{ from: '198.51.100.2', kind: 'time-exceeded', about: '203.0.113.5 > 198.51.100.2' }]);
});

test('an error from the path reaches the client inside, about the packet that it knows', () => {
  const { world } = run(linux, (t) => t.alice.say(1, alice, endpoint('203.0.113.5', 501), 'no such port'));
  expect(icmpAt(world, 'alice')).toEqual([{ from: '203.0.113.5', kind: 'unreachable', about: '192.168.1.2 > 203.0.113.5' }]);
});

test('what the box itself has to say about a translated packet is translated too', () => {
  const dontFragment = encodeIpv4({ source: alice.address, destination: bob.address, protocol: 17, dontFragment: true, payload: concat(Uint8Array.of(0x11, 0x94, 0x11, 0x94, 4, 0, 0, 0), new Uint8Array(1016)) });
  const narrow = run(linux, (t) => t.alice.put(1, { kind: 'bypass', packet: dontFragment }), { mtu: 576 });
  expect(icmpAt(narrow.world, 'alice')).toEqual([{ from: '192.168.1.1', kind: 'fragmentation-needed', about: '192.168.1.2 > 203.0.113.5' }]);

  const forwards: PortForward[] = [{ protocol: 'udp', port: 4500, to: endpoint('192.168.1.99', 4500) }];
  const nobody = run(linux, (t) => t.bob.say(1, bob, outside, 'knock'), { forwards });
  expect(icmpAt(nobody.world, 'bob')).toEqual([{ from: '198.51.100.2', kind: 'unreachable', about: '203.0.113.5 > 198.51.100.2' }]);
});

test('fragments are put together before they are translated, and cut again for a small link', () => {
  const say = (t: Talkers): void => {
    t.alice.say(1, alice, bob, 'x'.repeat(3000));
  };
  const { world, bob: talker, alice: back } = run(linux, say, { mtu: 576 });
  expect(talker.heard.map(({ text }) => text.length)).toEqual([3000]);
  expect(back.heard.map(({ text }) => text.length)).toEqual([3000]);
  expect(world.trace.of('mapping-created').length).toBe(1);

  const dropping = run(changed(linux, { fragments: 'drop' }), say);
  expect(dropping.bob.heard).toEqual([]);
  expect(new Set(drops(dropping.world))).toEqual(new Set(['box nat nat-fragment']));
});

test('a box that loses its table drops the answer that was under way', () => {
  const talkers: Talkers = { alice: new Talker().say(1, alice, bob, big), carol: new Talker(), bob: new Talker(true) };
  const world = new World(home(linux), { seed: 1, endpoint: ({ name }) => talkers[name as keyof Talkers] });
  world.runUntil(() => talkers.bob.heard.length > 0, at(1000));
  world.control('box', { kind: 'flush' });
  world.run(at(1000));
  expect(talkers.alice.heard).toEqual([]);
  expect(world.trace.of('mapping-removed').map(({ body }) => body.why)).toEqual(['flushed']);
  expect(drops(world)).toEqual(['box nat nat-no-mapping']);
});

test('when it changes under a box that keeps its mappings, what is sent leaves from an address that nobody has any more', () => {
  const talkers = { alice: new Talker().say(10, alice, bob, 'one').say(500, alice, bob, 'two'), carol: new Talker().say(600, carol, bob, 'fresh'), bob: new Talker(true) };
  const world = new World(home(changed(linux, { whenAddressChanges: 'keep' })), { seed: 1, endpoint: ({ name }) => talkers[name as keyof typeof talkers] });
  world.run(at(200));
  world.control('box', { kind: 'change-address', address: ip('198.51.100.77') });
  world.run(at(1000));
  expect(heard(talkers.bob)).toEqual(['one from 198.51.100.2:4500', 'two from 198.51.100.2:4500', 'fresh from 198.51.100.77:4500']);
  expect(heard(talkers.alice)).toEqual(['one from 203.0.113.5:4500']);
  expect(heard(talkers.carol)).toEqual(['fresh from 203.0.113.5:4500']);
});

test('when the outside address changes, packets leave from the new one and nobody answers for the old one', () => {
  const talkers: Talkers = { alice: new Talker().say(1, alice, bob, 'one').say(200, alice, bob, 'two'), carol: new Talker().say(400, carol, outside, 'from inside too'), bob: new Talker(true).say(300, bob, outside, 'to the old address') };
  const world = new World(home(linux), { seed: 1, endpoint: ({ name }) => talkers[name as keyof Talkers] });
  world.run(at(100));
  world.control('box', { kind: 'change-address', address: ip('198.51.100.77') });
  world.run(at(1000));
  expect(heard(talkers.bob)).toEqual(['one from 198.51.100.2:4500', 'two from 198.51.100.77:4500']);
  expect(heard(talkers.alice)).toEqual(['one from 203.0.113.5:4500', 'two from 203.0.113.5:4500']);
  expect(drops(world)).toEqual(['isp link no-neighbour', 'box link no-neighbour']);
});

test('a day of keepalives goes by: the mapping lives, and two packets a keepalive are seen at the box', () => {
  const day = 24 * minutes(60);
  const { world } = run(
    linux,
    (t) => {
      for (let when = 0; when < day; when += 20_000) t.alice.say(when, alice, bob, '\u00ff');
    },
    { until: day },
  );
  expect(world.trace.of('mapping-created').length).toBe(1);
  expect(world.trace.of('mapping-expired').length).toBe(0);
  expect(world.trace.of('packet', 'box').length).toBe(4 * 4320); // bob answers each
});
