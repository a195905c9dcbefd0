/** Hosts that are an image: what a topology may say of them, and what is planned. */
import { expect, test } from 'vitest';
import { parseTopology, vary } from '../../lab/topology/load.ts';
import { inMode } from '../../lab/topology/ike-version.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import type { HostPlan } from '../../src/sim/plan.ts';

const head = `title: t
segments: { home: , internet: , office: }
nats: { box: { inside: home, outside: internet } }
hosts:
  gateway: { on: internet, protects: office }
  server: { on: office }
`;
const loaded = (alice: string) => parseTopology(`${head}  alice: { on: home, connectsTo: gateway, ${alice} }\n`, './mine.yaml', undefined, '/somewhere');
const planned = (alice: string): HostPlan => planTopology(loaded(alice)).plan.nodes.find((node) => node.kind === 'host' && node.name === 'alice') as HostPlan;

test('what is said in the words of Compose is planned: relative paths start at the file, values become text, the names of hosts their addresses', () => {
  const { image, routes } = planned('image: my/daemon:1, command: [charon], environment: { A: 1, B: yes }, volumes: [./conf:/etc/conf, /usr:/usr:ro], cap_add: [SYS_MODULE], devices: [/dev/ppp], ready: [is, up], connect: [go, --now]');
  expect(image).toEqual({
    name: 'my/daemon:1',
    command: ['charon'],
    environment: { A: '1', B: 'yes' },
    volumes: [{ source: '/somewhere/conf', target: '/etc/conf' }, { source: '/usr', target: '/usr' }],
    capabilities: ['SYS_MODULE'],
    devices: ['/dev/ppp'],
    ready: ['is', 'up'],
    connect: ['go', '--now'],
    names: { alice: '192.168.1.10', gateway: '203.0.113.2', server: '10.99.0.10' },
  });
  expect(routes.map(({ via }) => via)).not.toContain('tunnel');
});

test('the name of a gateway behind a box is where its clients reach it', () => {
  const { plan } = planTopology(parseTopology(`title: t
segments: { home: , internet: , site: , office: }
nats: { box: { inside: home, outside: internet }, far: { inside: site, outside: internet, forwards: [{ protocol: udp, port: 500, to: gateway }] } }
hosts: { alice: { on: home, connectsTo: gateway, image: x }, gateway: { on: site, protects: office } }
`, 't.yaml'));
  expect(plan.nodes.flatMap((node) => (node.kind === 'host' && node.image ? [node.image.names.gateway] : []))).toEqual(['203.0.113.2']);
});

test.each([
  ['image: x, daemon: strongswan', '"daemon" is for the lab\'s own daemon, and alice is an image with one of its own: configure that, and leave "daemon" out'],
  ['image: x, system: linux', '"system" is for the lab\'s own daemon, and alice is an image with one of its own: configure that, and leave "system" out'],
  ['image: x, esp: { mode: transport }', '"esp" is for the lab\'s own daemon, and alice is an image with one of its own: configure that, and leave "esp" out'],
  ['image: x, ike: { version: v1, keepalive: 5 s }', '"ike.keepalive" is for the lab\'s own daemon, and alice is an image with one of its own: configure that, and leave it out here'],
  ['image: x, ike: { version: v1, v1: { commitBit: true } }', '"ike.v1.commitBit" is for the lab\'s own daemon, and alice is an image with one of its own: configure that, and leave it out here'],
  ['volumes: ["a:/b"]', '"volumes" is about a container: write "image: …" as well, or leave it out'],
  ['connect: [go]', '"connect" is about a container: write "image: …" as well, or leave it out'],
])('%s is refused with its place in the file', (said, why) => {
  expect(() => planned(said)).toThrow(new RegExp(`^\\./mine\\.yaml:7:\\d+: ${why.replaceAll(/[.?]/g, '\\$&')}$`));
});

test.each([
  ['image: x, volumes: [conf]', 'hosts.alice.volumes.0: expected a file or folder and its place in the container, such as ./swanctl.conf:/etc/swanctl/swanctl.conf; it can be read there, not written'],
  ['image: x, volumes: ["a:/b:rw"]', 'hosts.alice.volumes.0: expected a file or folder and its place in the container, such as ./swanctl.conf:/etc/swanctl/swanctl.conf; it can be read there, not written'],
  ['image: x, connect: swanctl --initiate', 'hosts.alice.connect: expected a list: a program and its arguments, such as [swanctl, --initiate, --child, net]'],
])('%s: says what is expected', (said, what) => {
  expect(() => loaded(said)).toThrow(what);
});

test('"connect" is for clients', () => {
  const text = `${head.replace('server: { on: office }', 'server: { on: office, image: x, connect: [go] }')}  alice: { on: home, connectsTo: gateway }\n`;
  expect(() => planTopology(parseTopology(text, 't.yaml'))).toThrow('t.yaml:6:35: "connect" has a client begin: write "connectsTo: GATEWAY" as well, or leave it out');
});

test('another version of IKE than the one it is said to speak cannot be asked of it', () => {
  const speaksV1 = loaded('image: x, ike: { version: v1 }');
  expect(() => inMode(speaksV1, 'v2')).toThrow('./mine.yaml:7:43: alice is an image, which speaks what it is configured for: configure it for v2, and say so by "ike:" here');
  expect(planTopology(vary(speaksV1, inMode(speaksV1, 'v1'))).plan.nodes.filter((node) => node.kind === 'host' && node.endpoint?.ike.connections[0]!.ike.version === 'v1')).toHaveLength(2);
});

test('how it is configured nobody knows: nothing is warned of but another version of IKE than its gateway speaks', () => {
  const secret = (alice: string) => planTopology(vary(loaded(alice), { hosts: { gateway: { ike: { preSharedKey: 'x' } } } })).warnings;
  expect(secret('')).toHaveLength(1);
  expect(secret('image: x')).toEqual([]);
  expect(secret('image: x, ike: { version: v1 }')).toEqual([expect.stringContaining("alice begins with IKEv1's main mode, and gateway answers to IKEv2 only") as string]);
});
