/** What is warned of does fail, what is advised instead does work, and nothing else is warned of. */
import { describe, expect, test } from 'vitest';
import { adjustmentToVariation, type Adjustment } from '../../lab/topology/cast.ts';
import { daemonPresets } from '../../lab/topology/daemons.ts';
import { ikeModes, inMode } from '../../lab/topology/ike-version.ts';
import { loadTopology, parseTopology, topologyNames, vary } from '../../lab/topology/load.ts';
import { planTopology, type Topology } from '../../lab/topology/plan.ts';
import { ip } from '../../src/core/address.ts';
import { after, minutes, seconds } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import { World } from '../../src/sim/world.ts';
import { TraceLog } from '../../src/trace/trace.ts';

type Host = NonNullable<Adjustment['clients']>;
type Setting = Readonly<{ client?: Host; gateway?: Host; both?: Host; box?: Adjustment['boxes'] }>;

function home({ client = {}, gateway = {}, both = {}, box = {} }: Setting): Topology {
  const loaded = loadTopology('home');
  return planTopology(vary(loaded, adjustmentToVariation(loaded, { clients: both, gateway: both, boxes: box }), adjustmentToVariation(loaded, { clients: client, gateway, boxes: box })));
}

/** Whether a datagram of alice's comes back: from the server through a tunnel, from the gateway in transport mode. */
function works({ plan }: Topology): boolean {
  const trace = new TraceLog();
  const world = new World(plan, { seed: 1, trace, endpoint: createEndpoint });
  const child = plan.nodes.flatMap((node) => (node.kind === 'host' && node.name === 'alice' && node.endpoint ? [node.endpoint.ike.connections[0]!.child] : []))[0]!;
  const ports = child.upperLayer === undefined ? {} : { port: child.upperLayer.remotePort, fromPort: child.upperLayer.localPort };
  if (child.upperLayer !== undefined) world.command('gateway', { kind: 'serve', protocol: 'udp', port: child.upperLayer.remotePort });
  world.command('alice', { kind: 'initiate', connection: 'gateway' });
  world.runUntil(() => false, after(world.now, minutes(4)));
  world.command('alice', { kind: 'udp-echo', echo: 'hello', to: ip(child.mode === 'transport' ? '203.0.113.2' : '10.99.0.1'), count: 1, interval: seconds(1), timeout: seconds(3), ...ports });
  world.runUntil(() => false, after(world.now, seconds(5)));
  return trace.of('udp-echo-answered', 'alice').length === 1;
}

const v1 = (exchange: 'main' | 'aggressive', more: Host['ike'] = {}): Host => ({ ike: { version: 'v1', v1: { exchange }, ...more } });
const key = 'the lab knows no secrets';
const only = (version: 'draft-02' | 'draft-03' | 'rfc-3947') => ({ natt: { offers: [version], accepts: [version] } });

const cannotWork: readonly (readonly [name: string, wrong: Setting, warning: RegExp, right: Setting])[] = [
  ['another version of IKE', { client: v1('main') }, /^home \(varied\), hosts\.alice\.ike: alice begins with IKEv1's main mode, and gateway answers to IKEv2 only; write /, { both: v1('main') }],
  ['another exchange', { client: v1('main'), gateway: v1('aggressive') }, /hosts\.alice\.ike: alice begins with IKEv1's main mode, and gateway answers to IKEv1's aggressive mode only/, { both: v1('aggressive') }],
  ['no cipher in common', {
    client: { ike: { proposals: [{ encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha1-96'], prf: ['hmac-sha1'], groups: ['ecp-256'] }] } },
    gateway: { ike: { proposals: [{ encryption: [{ name: 'aes-cbc', bits: 256 }], integrity: ['hmac-sha1-96'], prf: ['hmac-sha1'], groups: ['ecp-256'] }] } },
  }, /hosts\.alice\.ike\.proposals: alice and gateway have no proposal for the IKE SA in common/, {}],
  ['3DES in aggressive mode, and a gateway with another first group', {
    client: v1('aggressive', { proposals: [{ encryption: [{ name: '3des-cbc' }], integrity: [], prf: ['hmac-sha1'], groups: ['modp-1024', 'modp-2048'] }] }),
    gateway: v1('aggressive', { proposals: [{ encryption: [{ name: '3des-cbc' }], integrity: [], prf: ['hmac-sha1'], groups: ['modp-2048'] }] }),
  }, /hosts\.alice\.ike\.proposals: /, { both: v1('main', { proposals: [{ encryption: [{ name: '3des-cbc' }], integrity: [], prf: ['hmac-sha1'], groups: ['modp-2048'] }] }) }],
  ['a tunnel on one side', { client: { esp: { mode: 'transport' } } }, /hosts\.alice\.esp: alice wants ESP in transport mode, gateway ESP in tunnel mode/, { both: { esp: { mode: 'transport' } } }],
  ['no integrity in common', {
    client: { esp: { proposals: [{ encryption: [{ name: 'aes-cbc' }], integrity: ['hmac-sha1-96'] }] } }, gateway: { esp: { proposals: [{ encryption: [{ name: 'aes-cbc' }], integrity: ['hmac-sha2-256-128'] }] } },
  }, /hosts\.alice\.esp: alice and gateway have no proposal for a child SA in common/, {}],
  ['perfect forward secrecy on one side', { both: v1('main'), gateway: { ...v1('main'), esp: { proposals: [{ encryption: [{ name: 'aes-cbc' }], integrity: ['hmac-sha1-96'], groups: ['modp-2048'], extendedSequenceNumbers: false }] } } },
    /hosts\.alice\.esp: alice makes child SAs without a group of their own, and gateway with modp-2048; give both the same/, { both: v1('main') }],
  ['perfect forward secrecy, and a gateway that has not the first group', {
    client: { ...v1('main'), esp: { proposals: [{ encryption: [{ name: 'aes-cbc' }], integrity: ['hmac-sha1-96'], groups: ['modp-1024', 'modp-2048'], extendedSequenceNumbers: false }] } },
    gateway: { ...v1('main'), esp: { proposals: [{ encryption: [{ name: 'aes-cbc' }], integrity: ['hmac-sha1-96'], groups: ['modp-2048'], extendedSequenceNumbers: false }] } },
  }, /alice makes child SAs with the group modp-1024, and gateway with modp-2048/, { both: v1('main') }],
  ['no inner address to be had', { both: { ...v1('main') }, gateway: v1('main', { virtualAddress: 'none' }) }, /hosts\.alice\.ike\.virtualAddress: alice asks for an inner address, and gateway has none to give/, { both: v1('main') }],
  ['no inner address wanted', { both: v1('main'), client: v1('main', { virtualAddress: 'none' }) }, /alice asks for no inner address, and gateway lets nobody in without one/, { both: v1('main') }],
  ['another password', { both: v1('main'), client: v1('main', { v1: { xauth: { user: 'alice', password: 'guess' } } }), gateway: v1('main', { v1: { xauth: { users: { alice: 'sesame' } } } }) },
    /hosts\.alice\.ike\.v1\.xauth: gateway knows no user alice with the password that alice has/, { both: v1('main'), client: v1('main', { v1: { xauth: { user: 'alice', password: 'sesame' } } }), gateway: v1('main', { v1: { xauth: { users: { alice: 'sesame' } } } }) }],
  ['no password', { both: v1('main'), gateway: v1('main', { v1: { xauth: { users: { alice: 'sesame' } } } }) }, /gateway asks for a password, and alice has none; write ike\.v1\.xauth$/, { both: v1('main') }],
  ['a key on one side', { client: { ike: { authentication: 'rsa-signature' } } }, /hosts\.alice\.ike\.authentication: alice proves who it is by a certificate, gateway by a pre-shared key/, { both: { ike: { authentication: 'rsa-signature' } } }],
  ['another key', { client: { ike: { preSharedKey: 'wrong horse' } } }, /hosts\.alice\.ike\.preSharedKey: gateway has another pre-shared key for alice/, {}],
  ['main mode and a key for each name', { both: v1('main'), gateway: { ...v1('main', { preSharedKeys: { 'bob.example': 'of bob', 'alice.example': key } }) } },
    /main mode finds a pre-shared key by the address that packets come from, before any name is seen \(RFC 2409 §5\.4\)/, { both: v1('aggressive'), gateway: v1('aggressive', { preSharedKeys: { 'bob.example': 'of bob', 'alice.example': key } }) }],
  ['a key for the private address', { both: v1('main'), gateway: v1('main', { preSharedKeys: { '192.168.1.10': key } }) },
    /gateway has the key of alice for 192\.168\.1\.10, and behind box it comes from 203\.0\.113\.1; give the key for that address/, { both: v1('main'), gateway: v1('main', { preSharedKeys: { '203.0.113.1': key } }) }],
  ['keys for others only', { both: v1('main'), gateway: v1('main', { preSharedKeys: { '198.51.100.9': key } }) }, /gateway has no key for 203\.0\.113\.1, where alice comes from/, { both: v1('main'), gateway: v1('main', { preSharedKeys: { any: key } }) }],
  ['aggressive mode, and an identity that no key is for', { client: v1('aggressive', { identity: { type: 'address' } }), gateway: v1('aggressive', { preSharedKeys: { 'alice.example': key } }) },
    /hosts\.alice\.ike\.identity: alice says that it is 192\.168\.1\.10, and gateway knows nobody of that identity/, { client: v1('aggressive'), gateway: v1('aggressive', { preSharedKeys: { 'alice.example': key } }) }],
  ['a private address as identity, and a strict gateway', { client: { ike: { identity: { type: 'address' } } }, gateway: { ike: { addressIdentity: 'strict' } } },
    /hosts\.gateway\.ike\.addressIdentity: alice says that it is 192\.168\.1\.10 and comes from 203\.0\.113\.1, which gateway is strict about/, { gateway: { ike: { addressIdentity: 'strict' } } }],
  ['AH through a box', { both: { esp: { protocol: 'ah' } } }, /hosts\.alice\.esp\.protocol: AH covers the addresses, and box changes them/, { both: { esp: { protocol: 'esp' } } }],
  ['AH in transport mode through a box', { both: { esp: { protocol: 'ah', mode: 'transport' } } }, /AH covers the addresses/, { both: { esp: { mode: 'transport' } } }],
  ['transport mode without NAT traversal', { both: { ike: { natTraversal: false }, esp: { mode: 'transport' } } }, /hosts\.alice\.esp\.mode: transport mode behind box: .*without NAT traversal nobody mends them/, { both: { esp: { mode: 'transport' } } }],
  ['transport mode, and nobody mends checksums', { both: { esp: { mode: 'transport' } }, gateway: { esp: { mode: 'transport', checksumRepair: 'none' } } }, /gateway does not mend them/, { both: { esp: { mode: 'transport' } } }],
  ['transport mode, and NAT-OA withheld', { both: { ike: { version: 'v1', v1: { natOriginalAddress: 'withheld' } }, esp: { mode: 'transport' } } }, /which are withheld; write natOriginalAddress: sent/,
    { both: { ike: { version: 'v1', v1: { natOriginalAddress: 'withheld' } }, esp: { mode: 'transport', checksumRepair: 'recompute' } } }],
  ['transport mode in draft 02', { both: { ike: { version: 'v1', v1: only('draft-02') }, esp: { mode: 'transport' } } }, /draft-02 tells each side too little to adjust them/, { both: { ike: { version: 'v1', v1: only('rfc-3947') }, esp: { mode: 'transport' } } }],
  ['plain ESP and a box that blocks it', { gateway: { ike: { natTraversal: false } }, box: { behaviour: { esp: 'blocked' } } }, /ESP goes as protocol 50, which box blocks; write natTraversal: true for both/, { box: { behaviour: { esp: 'blocked' } } }],
  ['no version of NAT-T in common and a box that blocks ESP', { client: { ike: { version: 'v1', v1: only('draft-03') } }, gateway: { ike: { version: 'v1', v1: only('rfc-3947') } }, box: { behaviour: { esp: 'blocked' } } }, /with a version of NAT-T in common$/,
    { both: { ike: { version: 'v1', v1: only('draft-03') } }, box: { behaviour: { esp: 'blocked' } } }],
  ['a box that blocks port 4500', { box: { preset: 'udp-4500-blocked' } }, /hosts\.alice\.ike: box blocks UDP port 4500, where IKE and ESP go once it is detected$/, {}],
];

describe('what cannot work is warned of, and what is advised works', () => {
  test.each(cannotWork)('%s', (_name, wrong, warning, right) => {
    const [failing, mended] = [home(wrong), home(right)];
    expect(failing.warnings).toEqual([expect.stringMatching(warning)]);
    expect([works(failing), mended.warnings, works(mended)]).toEqual([false, [], true]);
  });

  test('aggressive mode with one key for everybody, of whom no identity is known, works, and means little', () => {
    const wildcard = home({ both: v1('aggressive'), gateway: v1('aggressive', { preSharedKeys: { any: key } }) });
    expect(wildcard.warnings).toEqual([expect.stringMatching(/hosts\.gateway\.ike: aggressive mode with one key for everybody and no identity that gateway knows: .*give each client a key by its name$/)]);
    expect(works(wildcard)).toBe(true);
  });

  // by what it speaks and wants of its own, whatever the other one wants: 49 meetings
  test.each(daemonPresets.flatMap((client) => daemonPresets.map((gateway) => [client.name, gateway.name] as const)))('a client of %s and a gateway of %s work together, or it is said why not', (client, gateway) => {
    const meeting = home({ client: { daemon: client }, gateway: { daemon: gateway } });
    expect([works(meeting), meeting.warnings]).toEqual([meeting.warnings.length === 0, meeting.warnings]);
  });

  test('of many clients of one kind there is one warning, with its place in the file', () => {
    const text = `title: many\nsegments:\n  lan:\n  internet:\n  office:\nnats:\n  box: { inside: lan, outside: internet }\nhosts:\n  alice: { on: lan, count: 20, connectsTo: gateway, esp: { protocol: ah } }\n  gateway: { on: internet, protects: office, esp: { protocol: ah } }\n`;
    expect(planTopology(parseTopology(text, 'many.yaml')).warnings).toEqual([expect.stringMatching(/^many\.yaml:9:\d+: AH covers the addresses, and box changes them/)]);
  });
});

test.each(topologyNames().flatMap((name) => ikeModes.map((mode) => [name, mode] as const)))('the topology %s in %s: nothing is warned of', (name, mode) => {
  const loaded = loadTopology(name);
  expect(planTopology(vary(loaded, inMode(loaded, mode))).warnings).toEqual([]);
});
