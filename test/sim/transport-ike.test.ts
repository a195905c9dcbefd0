/** Transport mode as IKEv2 negotiates it, from program to program through a simulated box. */
import { describe, expect, test } from 'vitest';
import { ip, type IpAddress } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import type { EndpointConfig, ProgramCommand } from '../../src/host/ports.ts';
import type { ChildConfig } from '../../src/ike/config.ts';
import type { ChecksumRepair } from '../../src/ipsec/checksum-repair.ts';
import { presetNamed } from '../../src/nat/presets.ts';
import { World } from '../../src/sim/world.ts';
import { endpointConfig, connectionName } from '../support/endpoint-config.ts';
import { at, host, natBox, segment } from '../support/worlds.ts';

const [alice, carol, server] = ['192.168.1.2', '192.168.1.3', '203.0.113.5'] as const;
type Selection = Pick<ChildConfig, 'upperLayer'>;

const endpoint = (name: string, address: string, repair: ChecksumRepair | undefined, selection: Selection): EndpointConfig => {
  const isServer = name === 'server';
  const config = endpointConfig({ name, peer: 'server', address, ...(isServer ? {} : { peerAddress: server }), local: 'dynamic', remote: 'dynamic' });
  const [connection] = config.ike.connections;
  return {
    ...config,
    ...(repair && { checksumRepair: repair }),
    ike: { ...config.ike, connections: [{ ...connection!, ...(isServer && { remoteIdentity: 'any' as const }), child: { ...connection!.child, mode: 'transport', ...selection } }] },
  };
};

interface Setting {
  readonly repair?: ChecksumRepair;
  readonly selections?: Readonly<Partial<Record<'alice' | 'carol' | 'server', Selection>>>;
}

/** alice, carol -- home -- [box] -- internet -- server */
function world({ repair, selections = {} }: Setting = {}): World {
  const inhabitant = (name: 'alice' | 'carol' | 'server', on: string, own: string) =>
    host(name, [`${on} ${own}/24`], on === 'home' ? ['0.0.0.0/0 192.168.1.1'] : [], { endpoint: endpoint(name, own, repair, selections[name] ?? {}) });
  return new World(
    {
      segments: [segment('home', '192.168.1.0/24'), segment('internet', '203.0.113.0/24')],
      nodes: [
        inhabitant('alice', 'home', alice),
        inhabitant('carol', 'home', carol),
        natBox('box', ['home 192.168.1.1/24', 'internet 203.0.113.1/24'], [], presetNamed('linux-masquerade')!.behaviour),
        inhabitant('server', 'internet', server),
      ],
    },
    { seed: 1, endpoint: createEndpoint },
  );
}

const to: IpAddress = ip(server);
const udp = { kind: 'udp-echo', echo: 'u', to, count: 1, interval: seconds(1), timeout: seconds(3) } as const satisfies ProgramCommand;
const tcp = { kind: 'tcp-probe', probe: 't', to, timeout: seconds(10) } as const satisfies ProgramCommand;
const ping = { kind: 'ping', ping: 'p', to, count: 1, interval: seconds(1), timeout: seconds(3) } as const satisfies ProgramCommand;

describe('checksums through a box', () => {
  test.each<[ChecksumRepair | undefined, readonly string[], readonly string[]]>([
    [undefined, ['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'], []], // adjust
    ['adjust', ['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'], []],
    ['recompute', ['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'], []],
    ['zero-udp-trust-tcp', ['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'], []],
    ['none', ['ping-answered'], ['server inner-checksum']],
  ])('%s', (repair, answered, drops) => {
    const lab = world(repair === undefined ? {} : { repair });
    lab.command('alice', { kind: 'initiate', connection: connectionName });
    lab.run(at(2000));
    for (const command of [ping, udp, tcp]) lab.command('alice', command);
    lab.run(at(15_000));
    expect((['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'] as const).filter((kind) => lab.trace.of(kind).length > 0)).toEqual(answered);
    expect([...new Set(lab.trace.of('drop').map(({ node, body }) => `${node} ${body.reason}`))]).toEqual(drops);
    expect(lab.trace.of('nat-detection', 'alice').at(-1)!.body).toMatchObject({ localBehindNat: true });
  });
});

describe('two L2TP clients behind one box', () => {
  const both = (lab: World): void => {
    for (const name of ['alice', 'carol']) lab.command(name, { kind: 'initiate', connection: connectionName });
    lab.run(at(3000));
    expect(lab.trace.of('child-sa', 'server').map(({ body }) => body.state)).toEqual(['established', 'established']);
  };

  test('from port 1701 to 1701: the last one wins', () => {
    const selection: Selection = { upperLayer: { protocol: 17, localPort: 1701, remotePort: 1701 } };
    const lab = world({ selections: { alice: selection, carol: selection, server: selection } });
    lab.command('server', { kind: 'serve', protocol: 'udp', port: 1701 });
    both(lab);
    for (const name of ['alice', 'carol']) lab.command(name, { ...udp, echo: name, port: 1701, fromPort: 1701 });
    lab.run(at(10_000));
    const eclipsed = lab.trace.of('sa-eclipsed', 'server');
    expect(eclipsed).toHaveLength(1);
    const winner = lab.trace.of('child-sa', 'server').at(-1)!.body;
    expect(eclipsed[0]!.body.by).toBe(winner.spiOut);
    expect(lab.trace.of('udp-echo-answered').length).toBe(1);
    expect(lab.trace.of('udp-echo-lost').length).toBe(1);
    const [answered] = lab.trace.of('udp-echo-answered');
    expect(lab.trace.of('drop', answered!.node).map(({ body }) => body.reason)).toContain('no-listener'); // the other one's answer
  });

  test('the remedy: client ports of their own, which are in the selectors', () => {
    const own = (port: number): Selection => ({ upperLayer: { protocol: 17, localPort: port, remotePort: 1701 } });
    const any: Selection = { upperLayer: { protocol: 17, localPort: 1701, remotePort: 0 } };
    const lab = world({ selections: { alice: own(40_001), carol: own(40_002), server: any } });
    lab.command('server', { kind: 'serve', protocol: 'udp', port: 1701 });
    both(lab);
    lab.command('alice', { ...udp, echo: 'alice', port: 1701, fromPort: 40_001 });
    lab.command('carol', { ...udp, echo: 'carol', port: 1701, fromPort: 40_002 });
    lab.run(at(10_000));
    expect(lab.trace.of('sa-eclipsed')).toEqual([]);
    expect(lab.trace.of('udp-echo-answered').map(({ body }) => body.echo).sort()).toEqual(['alice', 'carol']);
  });
});
