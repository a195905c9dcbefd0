/** The daemons of the field: each makes an endpoint, and says what it is said to say. */
import { describe, expect, test } from 'vitest';
import { daemonPresets } from '../../lab/topology/daemons.ts';
import { parseTopology } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import type { ConnectionConfig, V1Settings } from '../../src/ike/config.ts';
import { toHex } from '../../src/core/bytes.ts';

function connection(client: string): ConnectionConfig {
  const text = `title: t\nsegments: { net: , office: }\nhosts: { c: { on: net, connectsTo: g, ${client} }, g: { on: net, protects: office } }`;
  const host = planTopology(parseTopology(text, 't.yaml')).plan.nodes.find(({ name }) => name === 'c');
  return host?.kind === 'host' ? host.endpoint!.ike.connections[0]! : expect.unreachable();
}
const v1 = (name: string): V1Settings => connection(`daemon: ${name}`).ike as V1Settings;

test.each(daemonPresets.map(({ name }) => name))('%s is an endpoint of IKEv1 with proposals that IKEv1 can say', (name) => {
  const { ike, proposals, child } = connection(`daemon: ${name}`);
  expect(ike.version).toBe('v1');
  const ciphers = [...proposals, ...child.proposals].flatMap(({ encryption }) => encryption.map((cipher) => cipher.name));
  expect(ciphers.filter((cipher) => cipher !== 'aes-cbc' && cipher !== '3des-cbc')).toEqual([]);
  expect(proposals.flatMap(({ groups }) => groups)).not.toContain('curve25519');
});

describe('what the captures and logs say', () => {
  test('Windows XP knows draft -02 with the newline only, wants transport mode for L2TP, and ends quick mode with CONNECTED', () => {
    const { child } = connection('daemon: windows-xp-nat-t-update');
    expect(v1('windows-xp-nat-t-update')).toMatchObject({ natt: { offers: ['draft-02n'], accepts: ['draft-02n'] }, commitBit: true });
    expect(child).toMatchObject({ mode: 'transport', upperLayer: { protocol: 17, localPort: 1701, remotePort: 1701 }, local: ['dynamic'], remote: ['dynamic'] });
  });

  test("Windows since Vista sends the vendor IDs of a Windows capture, in the capture's order", () => {
    expect(v1('windows-modern').vendorIds!.map((id) => toHex(id).slice(0, 32))).toEqual([
      '1e2b516905991c7d7c96fcbfb587e461', '4048b7d56ebce88525e7de7f00d6c2d3', 'fb1de3cdf341b7ea16b7e5be0855f120', '26244d38eddb61b3172a36e3d0cfb819', 'e3a5966a76379fe707228231e5ce8652',
    ]);
  });

  test('Shrew calls in aggressive mode and says that it knows XAUTH', () => {
    expect(v1('shrew').exchange).toBe('aggressive');
    expect(v1('shrew').vendorIds!.map(toHex)).toContain('09002689dfd6b712');
  });

  test('KAME without the patch knows of no NAT traversal', () => {
    expect(connection('daemon: freebsd-kame').natTraversal).toBe(false);
    expect(v1('freebsd-kame').natt).toEqual({ offers: [], accepts: [] });
  });
});

test("what a host says itself goes before its daemon's habits", () => {
  const { ike, child } = connection('daemon: windows-xp-nat-t-update, ike: { v1: { natt: { offers: [draft-03] } } }, esp: { mode: tunnel }');
  expect(ike).toMatchObject({ exchange: 'main', commitBit: true, natt: { offers: ['draft-03'], accepts: ['draft-02n'] } });
  expect(child.mode).toBe('tunnel');
});

test('an unknown daemon is named with the nearest that there is', () => {
  expect(() => connection('daemon: racon')).toThrow('no daemon "racon"; did you mean "racoon"?');
});

test("the ports of a daemon's traffic may be any, or a port of its own for every host", () => {
  const text = `title: t
segments: { net: , office: }
hosts:
  c: { on: net, count: 2, connectsTo: g, daemon: windows-xp-nat-t-update, esp: { upperLayer: { protocol: udp, localPort: ephemeral } } }
  g: { on: net, protects: office, daemon: windows-modern, esp: { upperLayer: { protocol: udp, remotePort: any } } }`;
  const ports = planTopology(parseTopology(text, 't.yaml')).plan.nodes.flatMap((node) => (node.kind === 'host' && node.endpoint ? node.endpoint.ike.connections.map(({ child }) => child.upperLayer!) : []));
  const [one, two, gateway] = ports as [(typeof ports)[0], (typeof ports)[0], (typeof ports)[0]];
  expect([one.remotePort, two.remotePort, gateway]).toEqual([1701, 1701, { protocol: 17, localPort: 1701, remotePort: 0 }]);
  expect(new Set([one.localPort, two.localPort]).size).toBe(2);
  expect([one.localPort, two.localPort].every((port) => port >= 0xc000 && port <= 0xffff)).toBe(true);
});
