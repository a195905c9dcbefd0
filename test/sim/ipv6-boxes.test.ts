/** Boxes that translate IPv6, with IKE and ESP through them: a NAT64 gateway in front of IPv6-only clients, and a prefix translator. */
import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import type { IpAddress } from '../../src/core/address.ts';
import { seeded } from '../../src/core/random.ts';
import { seconds } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import { preSharedKey } from '../../src/ike/config.ts';
import type { ConnectionConfig } from '../../src/ike/config.ts';
import type { Ipv6Translation } from '../../src/nat/behaviour.ts';
import { embedded, wellKnownPrefix } from '../../src/nat/nat64/embedded.ts';
import type { NatPlan, WorldPlan } from '../../src/sim/plan.ts';
import { isIpFragment } from '../../src/wire/reassembly.ts';
import { CertificateAuthority } from '../../lab/pki/authority.ts';
import { World } from '../../src/sim/world.ts';
import { behaviourOf } from '../nat/lab.ts';
import { at, host, natBox, router, segment } from '../support/worlds.ts';

const office = prefix('10.99.0.0/24');

function connection(name: string, natTraversal: boolean, mine: Pick<ConnectionConfig, 'remote' | 'remoteIdentity' | 'virtualAddress'>, local: ConnectionConfig['child']['local'], remote: ConnectionConfig['child']['remote']): ConnectionConfig {
  return {
    name: 'office',
    ike: { version: 'v2' },
    authentication: preSharedKey('correct horse battery staple'),
    natTraversal,
    startPort: 500,
    proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], prf: ['hmac-sha2-256'], groups: ['curve25519'] }],
    rekeyIkeAfter: 'never',
    localIdentity: { type: 'fqdn', value: name },
    ...mine,
    child: {
      local,
      remote,
      proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], groups: [], extendedSequenceNumbers: false }],
      lifetime: { softTime: 'never', hardTime: 'never', softPackets: 'never', hardPackets: 'never' },
    },
  };
}

const endpoint = (name: string, address: IpAddress, only: ConnectionConfig, innerAddress?: IpAddress): EndpointConfig => ({
  name,
  ike: { address, connections: [only], keepalive: { interval: seconds(20) }, retransmission: { first: seconds(4), factor: 1.8, tries: 5 }, deadPeerDetection: 'off', cookieThreshold: 100, halfOpenLimit: 1000 },
  ...(innerAddress && { innerAddress }),
});

const client = (name: string, address: string, gateway: IpAddress, natTraversal: boolean): EndpointConfig =>
  endpoint(name, ip(address), connection(name, natTraversal, { remote: gateway, remoteIdentity: { type: 'fqdn', value: 'gw' }, virtualAddress: 'request' }, ['dynamic'], [office]));
const gateway = (address: string, natTraversal: boolean): EndpointConfig =>
  endpoint('gw', ip(address), connection('gw', natTraversal, { remote: 'any', remoteIdentity: 'any', virtualAddress: { pool: prefix('10.98.0.0/24') } }, [office], ['dynamic']), ip('10.99.0.1'));

const box = (on: readonly string[], via: readonly string[], ipv6: Ipv6Translation): NatPlan => {
  const plain = natBox('box', on, via, behaviourOf('rfc-4787'));
  return { ...plain, box: { ...plain.box, outsideAddresses: ipv6.kind === 'nptv6' ? [] : plain.box.outsideAddresses, ipv6 } };
};

/** alice, bob -- 2001:db8:1::/64 -- [nat64] -- 203.0.113.0/24 -- gw -- office */
const behindNat64 = (natTraversal = true): WorldPlan => {
  const server = embedded(ip('203.0.113.5'), wellKnownPrefix);
  const person = (name: string, last: number) =>
    host(name, [`home 2001:db8:1::${last}/64`], ['::/0 2001:db8:1::1', '10.99.0.0/24 tunnel'], { endpoint: client(name, `2001:db8:1::${last}`, server, natTraversal) });
  return {
    segments: [segment('home', '2001:db8:1::/64'), segment('internet', '203.0.113.0/24'), segment('office', '10.99.0.0/24')],
    nodes: [
      person('alice', 10),
      person('bob', 11),
      box(['home 2001:db8:1::1/64', 'internet 203.0.113.1/24'], [`${wellKnownPrefix.address}/96 203.0.113.1`], { kind: 'nat64', pref64: wellKnownPrefix }),
      host('gw', ['internet 203.0.113.5/24', 'office 10.99.0.1/24'], ['10.98.0.0/24 tunnel'], { endpoint: gateway('203.0.113.5', natTraversal), forwards: true }),
      host('printer', ['office 10.99.0.9/24'], ['0.0.0.0/0 10.99.0.1']),
    ],
  };
};

/** alice -- fd01:203:405:1::/64 -- [nptv6] -- 2001:db8:2::/64 -- isp -- 2001:db8:3::/64 -- gw -- office */
const behindPrefixTranslator = (natTraversal = true): WorldPlan => ({
  segments: [segment('home', 'fd01:203:405:1::/64'), segment('access', '2001:db8:2::/64'), segment('internet', '2001:db8:3::/64'), segment('office', '10.99.0.0/24')],
  nodes: [
    host('alice', ['home fd01:203:405:1::1234/64'], ['::/0 fd01:203:405:1::1', '10.99.0.0/24 tunnel'], { endpoint: client('alice', 'fd01:203:405:1::1234', ip('2001:db8:3::5'), natTraversal) }),
    box(['home fd01:203:405:1::1/64', 'access 2001:db8:2::2/64'], ['::/0 2001:db8:2::1'], { kind: 'nptv6', inside: prefix('fd01:203:405::/48'), outside: prefix('2001:db8:1::/48') }),
    router('isp', ['access 2001:db8:2::1/64', 'internet 2001:db8:3::1/64'], ['2001:db8:1::/48 2001:db8:2::2']),
    host('gw', ['internet 2001:db8:3::5/64', 'office 10.99.0.1/24'], ['::/0 2001:db8:3::1', '10.98.0.0/24 tunnel'], { endpoint: gateway('2001:db8:3::5', natTraversal), forwards: true }),
    host('printer', ['office 10.99.0.9/24'], ['0.0.0.0/0 10.99.0.1']),
    host('stranger', ['internet 2001:db8:3::9/64'], ['::/0 2001:db8:3::1']),
  ],
});

const worldOf = (plan: WorldPlan): World => new World(plan, { seed: 1, endpoint: createEndpoint });

function up(world: World, name: string): void {
  world.command(name, { kind: 'initiate', connection: 'office' });
  expect(world.runUntil(() => world.trace.of('child-sa', name).some(({ body }) => body.state === 'established'), at(world.now + 10_000)), `${name} is up`).toBe('met');
}

function ping(world: World, from: string, to: string): string {
  const name = `${from} to ${to} at ${world.now}`;
  world.command(from, { kind: 'ping', ping: name, to: ip(to), count: 1, interval: seconds(1), timeout: seconds(2) });
  world.run(at(world.now + 3000));
  return world.trace.of('ping-answered', from).some(({ body }) => body.ping === name) ? 'answered' : world.trace.of('ping-lost', from).at(-1)!.body.why;
}

const detectionOf = (world: World, name: string): unknown => world.trace.of('nat-detection', name)[0]?.body;

describe('a NAT64 gateway', () => {
  test('messages with certificates, too long for one packet: both ways in fragments of IPv6, which the client makes and puts together (RFC 7915 §4, RFC 8200 §5)', () => {
    const lab = new CertificateAuthority(seeded(1));
    const signing = (name: string) => lab.issue({ subject: `O=natt-lab, CN=${name}`, alternativeNames: [{ type: 'fqdn', value: name }] });
    const plan = behindNat64();
    const world = worldOf({
      segments: plan.segments.map((one) => (one.name === 'home' ? { ...one, mtu: 1280 } : one)),
      nodes: plan.nodes.map((node) => {
        if (node.kind !== 'host' || node.endpoint === undefined) return node;
        const { endpoint: written } = node;
        return { ...node, endpoint: { ...written, ike: { ...written.ike, connections: written.ike.connections.map((one) => ({ ...one, authentication: signing(written.name) })) } } };
      }),
    });
    up(world, 'alice');
    const pieces = (direction: 'in' | 'out') => world.trace.of('packet', 'alice').filter(({ body }) => body.direction === direction && isIpFragment(body.bytes));
    expect([pieces('out').length, pieces('in').length]).toEqual([2, 2]);
    expect(ping(world, 'alice', '10.99.0.9')).toBe('answered');
  });

  test('an IPv6-only client has a tunnel to an IPv4 gateway: to both it looks as if both were behind a NAT', () => {
    const world = worldOf(behindNat64());
    up(world, 'alice');
    expect(detectionOf(world, 'alice')).toMatchObject({ localBehindNat: true, remoteBehindNat: true });
    expect(detectionOf(world, 'gw')).toMatchObject({ localBehindNat: true, remoteBehindNat: true });
    expect(ping(world, 'alice', '10.99.0.9')).toBe('answered');
    expect(world.trace.of('mapping-created', 'box').map(({ body }) => body.mapping.inside)).toEqual([{ address: '2001:db8:1::10', port: 500 }, { address: '2001:db8:1::10', port: 4500 }]);
  });

  test('two of them share its one address', () => {
    const world = worldOf(behindNat64());
    up(world, 'alice');
    up(world, 'bob');
    expect([ping(world, 'alice', '10.99.0.9'), ping(world, 'bob', '10.99.0.9')]).toEqual(['answered', 'answered']);
  });

  test('without NAT traversal plain ESP of one client gets through, of two it does not', () => {
    const world = worldOf(behindNat64(false));
    up(world, 'alice');
    expect(ping(world, 'alice', '10.99.0.9')).toBe('answered');
    up(world, 'bob');
    expect(ping(world, 'bob', '10.99.0.9')).not.toBe('answered');
  });

  test('it is flushed as any box, and forgets', () => {
    const world = worldOf(behindNat64(false));
    up(world, 'alice');
    expect(ping(world, 'printer', '10.98.0.1'), 'ESP that the client has not spoken has no way in').not.toBe('answered');
    expect(ping(world, 'alice', '10.99.0.9')).toBe('answered');
    expect(ping(world, 'printer', '10.98.0.1')).toBe('answered');
    world.control('box', { kind: 'flush' });
    expect(world.trace.of('mapping-removed', 'box')).toHaveLength(2);
    expect(ping(world, 'printer', '10.98.0.1'), 'nobody comes in').not.toBe('answered');
    expect(ping(world, 'alice', '10.99.0.9'), 'until the client speaks').toBe('answered');
    expect(ping(world, 'printer', '10.98.0.1')).toBe('answered');
  });
});

describe('a prefix translator', () => {
  test('is a NAT to IKE', () => {
    const world = worldOf(behindPrefixTranslator());
    up(world, 'alice');
    expect(detectionOf(world, 'alice')).toMatchObject({ localBehindNat: true, remoteBehindNat: false });
    expect(detectionOf(world, 'gw')).toMatchObject({ localBehindNat: false, remoteBehindNat: true });
    expect(ping(world, 'alice', '10.99.0.9')).toBe('answered');
    expect(world.trace.of('peer-moved')).toEqual([]);
  });

  test('needs no NAT traversal: what it changes ESP does not cover', () => {
    const world = worldOf(behindPrefixTranslator(false));
    up(world, 'alice');
    expect(ping(world, 'alice', '10.99.0.9')).toBe('answered');
    world.run(at(world.now + 24 * 3_600_000));
    expect(ping(world, 'printer', '10.98.0.1'), 'the way in never closes').toBe('answered');
  });

  test('an error from behind it finds the host whose packet it quotes', () => {
    const world = worldOf(behindPrefixTranslator());
    world.command('stranger', { kind: 'ping', ping: 'nobody', to: ip('2001:db8:1:d550::77'), count: 1, interval: seconds(1), timeout: seconds(2) });
    world.run(at(3000));
    expect(world.trace.of('ping-lost', 'stranger')[0]?.body.why).toContain('unreachable');
  });
});
