import { expect, test } from 'vitest';
import { ip, prefix, type IpAddress } from '../../src/core/address.ts';
import { minutes, seconds } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import { preSharedKey, type ConnectionConfig } from '../../src/ike/config.ts';
import { presetNamed } from '../../src/nat/presets.ts';
import { impairments } from '../../src/sim/impairment.ts';
import type { WorldPlan } from '../../src/sim/plan.ts';
import { World } from '../../src/sim/world.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { at, host, natBox, router, segment, serialised } from '../support/worlds.ts';

const gatewayAddress = ip('203.0.113.5');
const office = prefix('10.99.0.0/24');
const clients = prefix('10.98.0.0/24');

const child = (local: ConnectionConfig['child']['local'], remote: ConnectionConfig['child']['remote']): ConnectionConfig['child'] => ({
  local,
  remote,
  proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], groups: [], extendedSequenceNumbers: false }],
  lifetime: { softTime: 'never', hardTime: 'never', softPackets: 'never', hardPackets: 'never' },
});

const connection = (mine: Pick<ConnectionConfig, 'remote' | 'localIdentity' | 'remoteIdentity' | 'virtualAddress' | 'child'>): ConnectionConfig => ({
  name: 'office',
  ike: { version: 'v2' },
  authentication: preSharedKey('correct horse battery staple'),
  natTraversal: true,
  startPort: 500,
  proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], prf: ['hmac-sha2-256'], groups: ['curve25519'] }],
  rekeyIkeAfter: 'never',
  ...mine,
});

const endpointConfig = (name: string, address: IpAddress, only: ConnectionConfig, innerAddress?: IpAddress): EndpointConfig => ({
  name,
  ike: { address, connections: [only], keepalive: { interval: seconds(20) }, retransmission: { first: seconds(4), factor: 1.8, tries: 5 }, deadPeerDetection: 'off', cookieThreshold: 100, halfOpenLimit: 1000 },
  ...(innerAddress && { innerAddress }),
});

const client = (name: string, address: IpAddress): EndpointConfig =>
  endpointConfig(name, address, connection({ remote: gatewayAddress, localIdentity: { type: 'fqdn', value: name }, remoteIdentity: { type: 'fqdn', value: 'gw' }, virtualAddress: 'request', child: child(['dynamic'], [office]) }));

const gateway = endpointConfig(
  'gw',
  gatewayAddress,
  connection({ remote: 'any', localIdentity: { type: 'fqdn', value: 'gw' }, remoteIdentity: 'any', virtualAddress: { pool: clients }, child: child([office], ['dynamic']) }),
  ip('10.99.0.1'),
);

/** alice, carol -- home -- [box] -- internet -- gw -- office -- printer */
const plan = (nat: string | undefined): WorldPlan => {
  const [homeBlock, homeOf] = nat === undefined ? ['198.51.100.0/24', '198.51.100'] : ['192.168.1.0/24', '192.168.1'];
  const person = (name: string, last: number) =>
    host(name, [`home ${homeOf}.${last}/24`], [`0.0.0.0/0 ${homeOf}.1`, '10.99.0.0/24 tunnel'], { endpoint: client(name, ip(`${homeOf}.${last}`)) });
  return {
    segments: [segment('home', homeBlock), segment('internet', '203.0.113.0/24', impairments.wan), segment('office', '10.99.0.0/24')],
    nodes: [
      person('alice', 10),
      person('carol', 11),
      nat === undefined
        ? router('box', ['home 198.51.100.1/24', 'internet 203.0.113.1/24'])
        : natBox('box', [`home ${homeOf}.1/24`, 'internet 203.0.113.1/24'], [], presetNamed(nat)!.behaviour),
      host('gw', ['internet 203.0.113.5/24', 'office 10.99.0.1/24'], ['0.0.0.0/0 203.0.113.1', '10.98.0.0/24 tunnel'], { endpoint: gateway, forwards: true }),
      host('printer', ['office 10.99.0.9/24'], ['0.0.0.0/0 10.99.0.1']),
    ],
  };
};

const build = (nat: string | undefined, seed = 1): World => new World(plan(nat), { seed, endpoint: createEndpoint });

const up = (world: World, ...names: string[]): World => {
  for (const name of names) {
    world.command(name, { kind: 'initiate', connection: 'office' });
    expect(world.runUntil(() => world.trace.of('child-sa', name).some(({ body }) => body.state === 'established'), at(world.now + 10_000)), `${name} is up`).toBe('met');
  }
  return world;
};

const ping = (world: World, from: string, to: IpAddress): string => {
  const name = `${from} to ${to} at ${world.now}`;
  world.command(from, { kind: 'ping', ping: name, to, count: 1, interval: seconds(1), timeout: seconds(2) });
  world.run(at(world.now + 3000));
  return world.trace.of('ping-answered', from).some(({ body }) => body.ping === name) ? 'answered' : world.trace.of('ping-lost', from).at(-1)!.body.why;
};

const virtualAddressOf = (world: World, name: string): IpAddress => world.trace.of('virtual-address', name)[0]!.body.address;

/** What a segment carried, as `udp 4500` or `esp`, each once. */
const carried = (world: World, name: string): string[] => {
  const kinds = world.trace.of('packet').flatMap(({ body }) => {
    if (body.segment !== name) return [];
    const packet = decodeIp(body.bytes);
    if (!packet.ok) return ['malformed'];
    const { protocol, payload } = packet.value;
    return [protocol === 17 ? `udp ${Math.min((payload[0]! << 8) | payload[1]!, (payload[2]! << 8) | payload[3]!)}` : protocol === 50 ? 'esp' : `protocol ${protocol}`];
  });
  return [...new Set(kinds)].sort();
};

test('a client behind a NAT sets up a tunnel, moves to 4500, and pings go through it both ways', () => {
  const world = up(build('linux-masquerade'), 'alice');
  expect(world.now).toBeLessThan(100); // two round trips of 20 ms
  expect(ping(world, 'alice', ip('10.99.0.9'))).toBe('answered'); // the printer, behind the gateway
  expect(ping(world, 'alice', ip('10.99.0.1'))).toBe('answered'); // the gateway's own inner address
  expect(ping(world, 'printer', virtualAddressOf(world, 'alice'))).toBe('answered');
  expect(ping(world, 'gw', virtualAddressOf(world, 'alice'))).toBe('answered');
  expect(carried(world, 'internet')).toEqual(['udp 4500', 'udp 500']);
  expect(carried(world, 'office')).toEqual(['protocol 1']); // in the clear behind the gateway
  expect(world.trace.of('nat-detection').map(({ node, body }) => [node, body.localBehindNat, body.remoteBehindNat])).toEqual([['gw', false, true], ['alice', true, false]]);
  expect(world.trace.of('drop')).toEqual([]);
});

test('without a NAT nothing moves, and ESP goes over IP', () => {
  const world = up(build(undefined), 'alice');
  expect(ping(world, 'alice', ip('10.99.0.9'))).toBe('answered');
  expect(ping(world, 'printer', virtualAddressOf(world, 'alice'))).toBe('answered');
  expect(carried(world, 'internet')).toEqual(['esp', 'udp 500']);
  expect(world.trace.of('port-float')).toEqual([]);
});

test('two clients behind one box are up at once, each with its own address and its own answers', () => {
  const world = up(build('linux-masquerade'), 'alice', 'carol');
  expect(virtualAddressOf(world, 'alice')).not.toBe(virtualAddressOf(world, 'carol'));
  for (const name of ['alice', 'carol']) {
    expect(ping(world, name, ip('10.99.0.9'))).toBe('answered');
    expect(ping(world, 'printer', virtualAddressOf(world, name))).toBe('answered');
  }
});

test('an idle hour passes: keepalives hold the mapping, and the office still reaches the client', () => {
  const world = up(build('linux-masquerade'), 'alice');
  world.run(at(world.now + minutes(60)));
  expect(world.trace.of('keepalive-sent').length).toBe(180);
  expect(ping(world, 'printer', virtualAddressOf(world, 'alice'))).toBe('answered');
});

test('the mapping is lost: the gateway follows the first packet that it can believe', () => {
  const world = up(build('linux-masquerade-random'), 'alice');
  world.control('box', { kind: 'flush' });
  expect(ping(world, 'printer', virtualAddressOf(world, 'alice'))).toMatch(/no answer/);
  expect(ping(world, 'alice', ip('10.99.0.9'))).toBe('answered');
  expect(world.trace.of('peer-moved', 'gw').length).toBe(1);
  expect(ping(world, 'printer', virtualAddressOf(world, 'alice'))).toBe('answered');
});

test('a ping of more than the path carries goes through the tunnel in fragments', () => {
  const world = up(build('linux-masquerade'), 'alice');
  world.command('alice', { kind: 'ping', ping: 'big', to: ip('10.99.0.9'), count: 1, interval: seconds(1), timeout: seconds(2), size: 4000 });
  world.run(at(world.now + 3000));
  expect(world.trace.of('ping-answered').map(({ body }) => body.ping)).toEqual(['big']);
});

test('on the wire IKE has a UDP checksum and ESP in UDP has none (RFC 3948 §2.1)', () => {
  const world = up(build('linux-masquerade'), 'alice');
  ping(world, 'alice', ip('10.99.0.9'));
  const kinds = world.trace.of('packet', 'gw').flatMap(({ body: { segment: name, bytes } }) => {
    const isIke = bytes.subarray(28, 32).every((octet) => octet === 0) || (bytes[20]! << 8 | bytes[21]!) === 500 || (bytes[22]! << 8 | bytes[23]!) === 500;
    return name === 'internet' ? [`${isIke ? 'IKE' : 'ESP'} ${(bytes[26]! | bytes[27]!) === 0 ? 'without' : 'with'}`] : [];
  });
  expect([...new Set(kinds)]).toEqual(['IKE with', 'ESP without']);
});

test('a client that sends everything into the tunnel still reaches its gateway past it', () => {
  const everything = plan('linux-masquerade');
  const nodes = everything.nodes.map((node) => (node.kind === 'host' && node.name === 'alice' ? { ...node, routes: [...node.routes, { to: prefix('0.0.0.0/0'), via: 'tunnel' as const }] } : node));
  const world = up(new World({ ...everything, nodes }, { seed: 1, endpoint: createEndpoint }), 'alice');
  expect(ping(world, 'printer', virtualAddressOf(world, 'alice'))).toBe('answered');
});

test('IPv6 goes through the tunnel as IPv4 does, over an IPv4 path with a NAT', () => {
  const [mine, office6] = ['2001:db8:98::1', '2001:db8:99::1'];
  const selectors = { client: [prefix(`${mine}/128`)], office: [prefix('2001:db8:99::/64')] };
  const common = { virtualAddress: 'none' as const, localIdentity: { type: 'fqdn', value: 'gw' } as const, remoteIdentity: 'any' as const };
  const endpoints: Record<string, EndpointConfig> = {
    alice: endpointConfig('alice', ip('192.168.1.10'), connection({ ...common, localIdentity: { type: 'fqdn', value: 'alice' }, remote: gatewayAddress, child: child(selectors.client, selectors.office) }), ip(mine)),
    gw: endpointConfig('gw', gatewayAddress, connection({ ...common, remote: 'any', child: child(selectors.office, selectors.client) }), ip(office6)),
  };
  const routes6: Record<string, string> = { alice: '2001:db8:99::/64', gw: '2001:db8:98::/64' };
  const four = plan('linux-masquerade');
  const nodes = four.nodes.map((node) => {
    const config = endpoints[node.name];
    return node.kind === 'host' && config ? { ...node, endpoint: config, routes: [...node.routes, { to: prefix(routes6[node.name]!), via: 'tunnel' as const }] } : node;
  });
  const world = up(new World({ ...four, nodes }, { seed: 1, endpoint: createEndpoint }), 'alice');
  expect(ping(world, 'alice', ip(office6))).toBe('answered');
  expect(ping(world, 'gw', ip(mine))).toBe('answered');
});

test('what fits no policy is discarded, and nothing of it is seen on any wire', () => {
  const world = build('linux-masquerade');
  expect(ping(world, 'alice', ip('10.99.0.9'))).toBe('no answer within 2 s'); // before there is a tunnel
  up(world, 'alice');
  expect(ping(world, 'gw', ip('10.98.0.77'))).toBe('no answer within 2 s'); // no client has it
  expect(world.trace.of('drop').map(({ node, body }) => `${node} ${body.reason}`)).toEqual(['alice policy-discard', 'gw policy-discard']);
  expect(carried(world, 'internet')).toEqual(['udp 4500', 'udp 500']);
});

test('what is not reached by the virtual address goes past the tunnel, in the clear', () => {
  const world = up(build('linux-masquerade'), 'alice');
  expect(ping(world, 'alice', gatewayAddress)).toBe('answered');
  expect(world.trace.of('ping-sent', 'alice').map(({ body }) => body.from)).toEqual(['192.168.1.10']);
  expect(carried(world, 'internet')).toEqual(['protocol 1', 'udp 4500', 'udp 500']);
});

test('what the gateway forwards into the tunnel is one hop older there, as behind a TUN device', () => {
  const world = up(build('linux-masquerade'), 'alice');
  ping(world, 'printer', virtualAddressOf(world, 'alice'));
  const delivered = world.trace.of('inner', 'alice').filter(({ body }) => body.direction === 'delivered');
  expect(delivered.map(({ body }) => body.bytes[8])).toEqual([63]); // the printer sent 64, the gateway forwarded it
});

test('the same seed gives the same trace, ciphertext included', () => {
  const trace = (seed: number): string => {
    const world = up(build('linux-masquerade', seed), 'alice', 'carol');
    ping(world, 'alice', ip('10.99.0.9'));
    return serialised(world.trace);
  };
  expect(trace(7) === trace(7)).toBe(true);
  expect(trace(7) === trace(8)).toBe(false);
});
