/** Over IPv6 from program to program: both versions of IKE, both modes, ESP and AH, plain and in UDP. */
import { describe, expect, test } from 'vitest';
import { seconds } from '../../src/core/time.ts';
import { loadTopology, vary } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import type { ProgramCommand } from '../../src/host/ports.ts';
import { World } from '../../src/sim/world.ts';
import { ip } from '../../src/core/address.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { at } from '../support/worlds.ts';

type Ike = Readonly<Record<string, unknown>>;
type Esp = Readonly<Record<string, unknown>>;

/** alice -- internet, IPv6 -- gateway -- office. The programs of alice speak to the gateway, to its outer address in transport mode. */
function run(ike: Ike, esp: Esp, client: Ike = {}): World {
  const { plan } = planTopology(vary(loadTopology('direct-ipv6'), { hosts: { alice: { ike: { ...ike, ...client }, esp }, gateway: { ike, esp } } }));
  const world = new World(plan, { seed: 1, endpoint: createEndpoint });
  world.command('alice', { kind: 'initiate', connection: 'gateway' });
  world.run(at(3_000));
  const to = ip(esp['mode'] === 'transport' ? '2001:db8:1::1' : 'fd99::1');
  const errands: readonly ProgramCommand[] = [
    { kind: 'ping', ping: 'p', to, count: 1, interval: seconds(1), timeout: seconds(3) },
    { kind: 'udp-echo', echo: 'u', to, count: 1, interval: seconds(1), timeout: seconds(3) },
    { kind: 'tcp-probe', probe: 't', to, timeout: seconds(10) },
  ];
  for (const errand of errands) world.command('alice', errand);
  world.run(at(20_000));
  return world;
}

const answers = ({ trace }: World): number[] => (['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'] as const).map((kind) => trace.of(kind).length);
/** Which protocols left alice, in packets of which version. */
function left({ trace }: World): string[] {
  const seen = trace.of('packet', 'alice').flatMap(({ body }) => {
    const packet = decodeIp(body.bytes);
    return body.direction === 'out' && packet.ok ? [`IPv${packet.value.version} ${packet.value.protocol}`] : [];
  });
  return [...new Set(seen)];
}

const versions = [
  ['IKEv2', { version: 'v2' }],
  ['IKEv1, main mode', { version: 'v1' }],
  ['IKEv1, aggressive mode', { version: 'v1', v1: { exchange: 'aggressive' } }],
] as const;

describe.each(versions)('%s', (_, ike) => {
  test.each([
    ['ESP in tunnel mode', { mode: 'tunnel' }, protocols.esp],
    ['ESP in transport mode', { mode: 'transport' }, protocols.esp],
    ['AH in tunnel mode', { protocol: 'ah', mode: 'tunnel' }, protocols.ah],
    ['AH in transport mode', { protocol: 'ah', mode: 'transport' }, protocols.ah],
  ])('%s carries ICMPv6, UDP and TCP', (_name, esp, protocol) => {
    const world = run(ike, esp);
    expect(answers(world)).toEqual([1, 1, 1]);
    expect(left(world)).toEqual(['IPv6 17', `IPv6 ${protocol}`]); // IKE, and nothing in the clear
    expect(world.trace.of('drop')).toEqual([]);
  });

  test.each(['tunnel', 'transport'])('ESP in UDP, forced, in %s mode', (mode) => {
    const world = run(ike, { mode }, { encapsulation: 'forced' });
    expect(answers(world)).toEqual([1, 1, 1]);
    expect(left(world)).toEqual(['IPv6 17']);
    expect(world.trace.of('drop')).toEqual([]);
  });

  test('without a checksum ESP in UDP is dropped by the host, not by IPsec', () => {
    const world = run(ike, { mode: 'tunnel', udpChecksum: 'zero' }, { encapsulation: 'forced' });
    expect(answers(world)).toEqual([0, 0, 0]);
    expect(new Set(world.trace.of('drop', 'gateway').map(({ layer, body }) => `${layer} ${body.reason}`))).toEqual(new Set(['link udp-checksum']));
  });

  test('an identity that is an address is one of IPv6, and strict about it', () => {
    const world = run({ ...ike, identity: { type: 'address' }, addressIdentity: 'strict' }, { mode: 'tunnel' });
    expect(answers(world)).toEqual([1, 1, 1]);
    expect(world.trace.of('ike-sa', 'gateway').find(({ body }) => body.state === 'established')?.body.peerIdentity).toBe('2001:db8:1::a');
  });
});
