import { describe, expect, test } from 'vitest';
import { Problem } from '../../lab/problem.ts';
import { parseTopology, topologyNames, loadTopology, vary } from '../../lab/topology/load.ts';
import type { LoadedTopology } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import type { ConnectionConfig } from '../../src/ike/config.ts';

const home = `title: A home
segments:
  lan: { prefix: 192.168.7.0/24 }
  internet: { latency: 10 ms }
  office:
nats:
  box: { inside: lan, outside: internet, preset: linux-masquerade }
hosts:
  alice:   { on: lan, connectsTo: gateway }
  gateway: { on: internet, protects: office }
`;

/** What a person is told about a file with one thing changed. */
function complaint(change: (text: string) => string): string {
  try {
    planTopology(parseTopology(change(home), 'my.yaml'));
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  throw new Error('the file was accepted');
}

describe('a wrong topology file is answered with file, line, column and what was expected', () => {
  const wrongs: readonly (readonly [wrong: string, right: string, message: RegExp])[] = [
    ['prset: linux-masquerade', 'preset: linux-masquerade', /^my\.yaml:7:42: unknown key "prset" in nats\.box; did you mean "preset"\?$/],
    ['preset: linux-masqerade', 'preset: linux-masquerade', /^my\.yaml:7:42: no preset "linux-masqerade"; did you mean "linux-masquerade"\?$/],
    ['latency: 10 parsecs', 'latency: 10 ms', /^my\.yaml:4:15: .*expected a duration such as "30 s"/],
    ['prefix: 192.168.7.0/33', 'prefix: 192.168.7.0/24', /^my\.yaml:3:10: .*expected an address prefix/],
    ['prefix: 2001:db8::/64', 'prefix: 192.168.7.0/24', /^my\.yaml:7:3: lan has IPv6, and linux-masquerade is a box between networks of IPv4; presets for IPv6 are nat64 and nptv6$/],
    ['protects: office, pool: fd98::/64', 'protects: office', /^my\.yaml:10:\d+: office has IPv4, and the pool has not$/],
    ['inside: lann', 'inside: lan', /^my\.yaml:7:10: no segment "lann"; did you mean "lan"\?$/],
    ['connectsTo: gatewy', 'connectsTo: gateway', /^my\.yaml:9:23: no host "gatewy"; did you mean "gateway"\?$/],
    ['connectsTo: alice', 'connectsTo: gateway', /^my\.yaml:9:23: alice is no gateway: give it "protects: SEGMENT"$/],
    ['preset: linux-masquerade, behaviour: { pool: { byRemotePort: { 4500: 1 } } }', 'preset: linux-masquerade', /^my\.yaml:7:89: pool\.byRemotePort and pool\.addresses: there are not so many addresses; the first one is 0$/],
    ['preset: linux-masquerade, behaviour: { ports: { range: [2000, 1000] } }', 'preset: linux-masquerade', /^my\.yaml:7:90: ports\.range: the range ends before it begins$/],
    ['preset: linux-masquerade, behaviour: { ports: { blocks: { size: 100, perHost: 1 }, range: [2000, 2010] } }', 'preset: linux-masquerade', /^my\.yaml:7:\d+: ports\.blocks\.size and ports\.range: a block is larger than the whole range$/],
    ['on: lan, esp: { protocol: ah, proposals: [{ encryption: [{ name: aes-cbc }], integrity: [hmac-sha1-96] }] },', 'on: lan,', /^my\.yaml:9:\d+: AH has integrity and no encryption: write integrity: \[hmac-sha2-256-128\]$/],
    ['on: lan, esp: { protocol: ah, proposals: [{ integrity: [none] }] },', 'on: lan,', /^my\.yaml:9:\d+: AH has integrity and no encryption/],
    ['on: lan, esp: { proposals: [{ integrity: [hmac-sha1-96] }] },', 'on: lan,', /^my\.yaml:9:\d+: ESP without encryption; write encryption: \[\{ name: aes-gcm-16 \}\], or protocol: ah beside the proposals$/],
    ['on: lan, ike: { identity: { type: address, value: alice } },', 'on: lan,', /^my\.yaml:9:\d+: .*expected an address such as 192\.168\.1\.2$/],
    ['on: lan, ike: { fragmentation: 100 },', 'on: lan,', /^my\.yaml:9:\d+: hosts\.\w+\.ike\.fragmentation: expected true, false, or how many octets/],
    ['on: lan, ike: { fragmentation: please },', 'on: lan,', /^my\.yaml:9:\d+: hosts\.\w+\.ike\.fragmentation: expected true, false, or how many octets/],
    ['on: lan, ike: { identity: { type: dn, value: alice } },', 'on: lan,', /^my\.yaml:9:\d+: .*expected a distinguished name such as "O=natt-lab, CN=alice\.example"$/],
    ['on: lan, address: 192.168.8.2,', 'on: lan,', /^my\.yaml:9:\d+: 192\.168\.8\.2 is not in lan's prefix 192\.168\.7\.0\/24$/],
  ];
  test.each(wrongs)('%s', (wrong, right, message) => {
    expect(complaint((text) => text.replace(right, wrong))).toMatch(message);
  });

  test('YAML that is none has its place too', () => {
    expect(complaint((text) => text.replace('{ on: lan,', '{ on: [lan,'))).toMatch(/^my\.yaml:\d+:\d+: /);
  });

  test('a topology that is not there gets the nearest name', () => {
    expect(() => loadTopology('hoome')).toThrow(/no topology "hoome"; did you mean "home"\?/);
    expect(() => loadTopology('./nowhere.yaml')).toThrow(/cannot read the topology \.\/nowhere\.yaml: no such file/);
  });
});

describe('what a topology leaves open is decided', () => {
  const { plan } = planTopology(parseTopology(home, 'my.yaml'));
  const node = (name: string) => plan.nodes.find((one) => one.name === name)!;

  test('written prefixes stay, others are found: public ones outside, 10.99.0.0/24 behind the gateway', () => {
    expect(plan.segments.map(({ name, prefix }) => `${name} ${prefix.address}/${prefix.length}`)).toEqual(['lan 192.168.7.0/24', 'internet 203.0.113.0/24', 'office 10.99.0.0/24']);
  });

  test('boxes and gateways count from .1, hosts from .10', () => {
    expect(node('box').interfaces.map(({ address }) => address)).toEqual(['192.168.7.1', '203.0.113.1']);
    expect(node('alice').interfaces.map(({ address }) => address)).toEqual(['192.168.7.10']);
    expect(node('gateway').interfaces.map(({ address }) => address)).toEqual(['203.0.113.2', '10.99.0.1']);
  });

  test('hosts inside leave by the box, protected networks are reached by the tunnel, nothing leads inwards', () => {
    expect(node('alice').routes).toEqual([
      { to: { address: '0.0.0.0', length: 0 }, via: '192.168.7.1' },
      { to: { address: '10.99.0.0', length: 24 }, via: 'tunnel' },
    ]);
    expect(node('gateway').routes).toEqual([{ to: { address: '10.98.0.0', length: 16 }, via: 'tunnel' }]);
  });

  test('a box with several outside addresses gets the next ones behind all others, its interface has the first', () => {
    const pooled = planTopology(vary(parseTopology(home, 'my.yaml'), { nats: { box: { behaviour: { pool: { addresses: 3 } } } } })).plan;
    const box = pooled.nodes.find(({ name }) => name === 'box')!;
    expect(box.kind === 'nat' && box.box.outsideAddresses).toEqual(['203.0.113.1', '203.0.113.3', '203.0.113.4']);
    expect(box.interfaces.at(-1)!.address).toBe('203.0.113.1');
    expect(pooled.nodes.find(({ name }) => name === 'gateway')!.interfaces[0]!.address).toBe('203.0.113.2');
  });

  test('hairpinning that is only said to be on shows the sender outside address', () => {
    const turned = planTopology(vary(parseTopology(home, 'my.yaml'), { nats: { box: { behaviour: { hairpinning: true } } } })).plan;
    const box = turned.nodes.find(({ name }) => name === 'box')!;
    expect(box.kind === 'nat' && box.box.behaviour.hairpinning).toBe('external-source');
  });

  test('a crowd gets a prefix with room for it', () => {
    const crowd = planTopology(vary(parseTopology(home.replace('{ prefix: 192.168.7.0/24 }', ''), 'my.yaml'), { hosts: { alice: { count: 1000 } } }));
    expect(crowd.plan.segments[0]!.prefix).toEqual({ address: '10.1.0.0', length: 16 });
    expect(new Set(crowd.plan.nodes.flatMap(({ interfaces }) => interfaces.map(({ address }) => address))).size).toBe(1000 + 4);
    expect(crowd.copies['alice']).toHaveLength(1000);
  });

  test('a gateway behind a box is reached at the box that forwards to it', () => {
    const { plan: behind } = planTopology(loadTopology('both-behind-nat'));
    const front = behind.nodes.find(({ name }) => name === 'front')!;
    const alice = behind.nodes.find(({ name }) => name === 'alice')!;
    expect(alice.kind === 'host' && alice.endpoint?.ike.connections[0]?.remote).toBe(front.interfaces.at(-1)!.address);
  });

  test('a client is sent through the box where it says so, though it stands beside the gateway', () => {
    const remoteOf = (topology: LoadedTopology): unknown => {
      const alice = planTopology(topology).plan.nodes.find(({ name }) => name === 'alice')!;
      return alice.kind === 'host' && alice.endpoint?.ike.connections[0]?.remote;
    };
    expect(remoteOf(loadTopology('hairpin'))).toBe('203.0.113.1');
    expect(remoteOf(vary(loadTopology('hairpin'), { hosts: { alice: { through: null } } }))).toBe('192.168.1.2');
    expect(() => remoteOf(vary(loadTopology('hairpin'), { nats: { box: { forwards: null } } }))).toThrow(/alice cannot reach gateway through box: it does not forward ports to it/);
    expect(() => remoteOf(vary(loadTopology('hairpin'), { hosts: { alice: { through: 'bux' } } }))).toThrow(/no NAT box "bux"; did you mean "box"\?/);
  });

  test('IPv6 where a prefix is written so: addresses, the default route, and a pool of the version that is protected', () => {
    const { plan: six } = planTopology(loadTopology('firewall-ipv6'));
    const of = (name: string) => six.nodes.find((one) => one.name === name)!;
    expect(of('gateway').interfaces.map(({ address, prefixLength }) => `${address}/${prefixLength}`)).toEqual(['2001:db8:2::2/64', 'fd99::1/64']);
    expect(of('server').routes).toEqual([{ to: { address: '::', length: 0 }, via: 'fd99::1' }]);
    expect(of('firewall')).toMatchObject({ kind: 'router', passes: ['udp', 'icmp'] });
    const unsaid = planTopology(vary(loadTopology('firewall-ipv6'), { hosts: { gateway: { pool: null } } })).plan.nodes.find(({ name }) => name === 'gateway')!;
    expect(unsaid.kind === 'host' && unsaid.endpoint?.ike.connections[0]!.virtualAddress).toEqual({ pool: { address: 'fd98::', length: 64 } });
  });

  test('routers lead both ways', () => {
    const routed = parseTopology(`${home.replace('gateway: { on: internet', 'gateway: { on: backbone').replace('office:\n', 'office:\n  backbone:\n')}routers:\n  core: { on: [internet, backbone] }\n`, 'my.yaml');
    const nodes = planTopology(routed).plan.nodes;
    const core = nodes.find(({ name }) => name === 'core')!;
    const box = nodes.find(({ name }) => name === 'box')!;
    expect(box.routes).toContainEqual({ to: { address: '198.51.100.0', length: 24 }, via: core.interfaces[0]!.address });
  });
});

describe('who a host says it is', () => {
  const endpointsOf = (ike: string): Record<'alice' | 'gateway', readonly ConnectionConfig[]> => {
    const { plan } = planTopology(parseTopology(home.replace('connectsTo: gateway', `connectsTo: gateway, ${ike}`).replace('protects: office', `protects: office, ${ike}`), 'my.yaml'));
    const of = (name: string): readonly ConnectionConfig[] => plan.nodes.flatMap((node) => (node.kind === 'host' && node.name === name ? node.endpoint!.ike.connections : []));
    return { alice: of('alice'), gateway: of('gateway') };
  };

  test.each([
    ['address', '192.168.7.10'],
    ['fqdn', 'alice.example'],
    ['user-fqdn', 'alice@example'],
    ['key-id', 'alice'],
    ['dn', 'O=natt-lab, CN=alice.example'],
  ])('of type %s without a value is %s', (type, value) => expect(endpointsOf(`ike: { identity: { type: ${type} } }`).alice[0]!.localIdentity).toEqual({ type, value }));

  test('an address of the gateway is what its clients expect of it', () => {
    const { alice, gateway } = endpointsOf('ike: { identity: { type: address } }');
    expect(alice[0]!.remoteIdentity).toEqual({ type: 'address', value: alice[0]!.remote });
    expect(gateway[0]!.localIdentity).toEqual(alice[0]!.remoteIdentity);
  });

  test('is proved with a certificate of an authority that both trust', () => {
    const [alice, gateway] = Object.values(endpointsOf('ike: { authentication: rsa-signature }')).map(([connection]) => connection!.authentication);
    expect(alice?.method === 'rsa-signature' && gateway?.method === 'rsa-signature' && alice.authorities).toEqual(gateway?.method === 'rsa-signature' && gateway.authorities);
  });

  test('a gateway has a key for an address, for an identity, and last of all one for anybody; a client has its own', () => {
    const { alice, gateway } = endpointsOf('ike: { preSharedKey: mine, preSharedKeys: { any: c, 192.168.7.10: a, bob@example: b, bob.example: d } }');
    expect(gateway.map(({ remote, remoteIdentity, authentication }) => [remote, remoteIdentity, authentication.method === 'pre-shared-key' && authentication.key])).toEqual([
      ['192.168.7.10', 'any', 'a'],
      ['any', { type: 'user-fqdn', value: 'bob@example' }, 'b'],
      ['any', { type: 'fqdn', value: 'bob.example' }, 'd'],
      ['any', 'any', 'c'],
    ]);
    expect(new Set(gateway.map(({ name }) => name)).size).toBe(4);
    expect(alice.map(({ authentication }) => authentication)).toEqual([{ method: 'pre-shared-key', key: 'mine' }]);
  });
});

test.each(topologyNames())('the topology %s can be planned', (name) => {
  const { plan } = planTopology(loadTopology(name));
  for (const { segment, address, prefixLength } of plan.nodes.flatMap(({ interfaces }) => interfaces)) {
    const planned = plan.segments.find((one) => one.name === segment);
    expect(planned?.prefix.length, address).toBe(prefixLength);
  }
});
