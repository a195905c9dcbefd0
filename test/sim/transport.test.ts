/** Transport mode from program to program, through a simulated box that rewrites real headers. SAs are put in by hand. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { ProgramCommand } from '../../src/host/ports.ts';
import type { ChecksumRepair } from '../../src/ipsec/checksum-repair.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import { presetNamed } from '../../src/nat/presets.ts';
import { World } from '../../src/sim/world.ts';
import { authAlgorithms, saTypes } from '../../src/wire/pfkey/message.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { add, address, policy, transportPolicy, type Request } from '../ipsec/host.ts';
import { handKeyedEndpoint } from '../support/hand-keyed.ts';
import { at, host, natBox, segment, stubEndpoint } from '../support/worlds.ts';

const [alice, carol, box, serverAddress] = ['192.168.1.2', '192.168.1.3', '203.0.113.1', '203.0.113.5'] as const;

/** alice, carol -- home -- [box] -- internet -- server */
function world(keys: Readonly<Record<string, readonly Request[]>>, repairs: Readonly<Record<string, ChecksumRepair>>, inner: Readonly<Record<string, string>> = {}, behaviour: NatBehaviour = presetNamed('linux-masquerade')!.behaviour): World {
  const member = (name: string, on: string, own: string) =>
    host(name, [`${on} ${own}/24`], on === 'home' ? ['0.0.0.0/0 192.168.1.1'] : [], {
      endpoint: { ...stubEndpoint(name, own), ...(repairs[name] && { checksumRepair: repairs[name] }), ...(inner[name] && { innerAddress: ip(inner[name]) }) },
    });
  return new World(
    {
      segments: [segment('home', '192.168.1.0/24'), segment('internet', '203.0.113.0/24')],
      nodes: [
        member('alice', 'home', alice),
        member('carol', 'home', carol),
        natBox('box', ['home 192.168.1.1/24', `internet ${box}/24`], [], behaviour),
        member('server', 'internet', serverAddress),
      ],
    },
    { seed: 1, endpoint: (config, random) => handKeyedEndpoint(config, keys[config.name] ?? [], random) },
  );
}

const natOa = { nattOriginalAddress: address(alice) };
const mode = 'TRANSPORT';

/** A pair of SAs between a client and the server. The box keeps the client's port 4500. */
const clientKeys = (own: string, spi: number, selector: Parameters<typeof transportPolicy>[3] = {}): Request[] => [
  add(spi, own, serverAddress, { mode, ports: [4500, 4500] }),
  add(spi + 1, serverAddress, own, { mode, ports: [4500, 4500] }),
  transportPolicy('out', own, serverAddress, selector),
  transportPolicy('in', serverAddress, own, { ...selector, ports: [...(selector.ports ?? [0, 0])].reverse() as [number, number] }),
];

const serverKeys = (spi: number, port: number, more = {}): Request[] => [
  add(spi, box, serverAddress, { mode, ports: [port, 4500], more }),
  add(spi + 1, serverAddress, box, { mode, ports: [4500, port] }),
];

const udp = { kind: 'udp-echo', echo: 'u', to: ip(serverAddress), count: 1, interval: seconds(1), timeout: seconds(3) } as const satisfies ProgramCommand;
const tcp = { kind: 'tcp-probe', probe: 't', to: ip(serverAddress), timeout: seconds(10) } as const satisfies ProgramCommand;
const ping: ProgramCommand = { kind: 'ping', ping: 'p', to: ip(serverAddress), count: 1, interval: seconds(1), timeout: seconds(3) };

/** What became of a ping, a UDP echo and a TCP connection of alice's; how the server mends checksums, and how alice does. */
function outcomes(server: { readonly natOa: object; readonly repair: ChecksumRepair }, client: ChecksumRepair) {
  const policies = [transportPolicy('in', box, serverAddress), transportPolicy('out', serverAddress, box)];
  const lab = world({ alice: clientKeys(alice, 0x1000), server: [...serverKeys(0x1000, 4500, server.natOa), ...policies] }, { alice: client, server: server.repair });
  for (const command of [ping, udp, tcp]) lab.command('alice', command);
  lab.run(at(20_000));
  const ends = ['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'] as const;
  return { answered: ends.filter((kind) => lab.trace.of(kind).length > 0), drops: [...new Set(lab.trace.of('drop').map(({ node, body }) => `${node}: ${body.reason}`))] };
}

const all = ['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'];

describe('through a box', () => {
  test.each([
    ['nobody mends checksums: what the server gets is wrong; ping has none over addresses', { natOa, repair: 'none' }, 'none', ['ping-answered'], ['server: inner-checksum']],
    ['the server would adjust, and nobody has told it by how much', { natOa: {}, repair: 'adjust' }, 'recompute', ['ping-answered'], ['server: inner-checksum']],
    ['the server adjusts by NAT-OA, alice does nothing: her answers are wrong', { natOa, repair: 'adjust' }, 'none', ['ping-answered'], ['alice: inner-checksum']],
    ['the server adjusts, alice recomputes', { natOa, repair: 'adjust' }, 'recompute', all, []],
    ['both recompute', { natOa: {}, repair: 'recompute' }, 'recompute', all, []],
    ['both zero UDP and trust TCP', { natOa: {}, repair: 'zero-udp-trust-tcp' }, 'zero-udp-trust-tcp', all, []],
  ] as const)('%s', (_, onServer, onClient, answered, drops) => {
    expect(outcomes(onServer, onClient)).toEqual({ answered, drops });
  });

  test('the answers go back by the SA: nothing of them is on the wire in the clear', () => {
    const lab = world({ alice: clientKeys(alice, 0x1000), server: [...serverKeys(0x1000, 4500, natOa), transportPolicy('in', box, serverAddress), transportPolicy('out', serverAddress, box)] }, { alice: 'recompute', server: 'recompute' });
    for (const command of [ping, udp, tcp]) lab.command('alice', command);
    lab.run(at(20_000));
    const packets = lab.trace.of('packet').map(({ body }) => [body.bytes[9], (body.bytes[20]! << 8) | body.bytes[21]!]);
    expect(packets.length).toBeGreaterThan(20);
    expect(packets.every(([protocol, port]) => protocol === protocols.udp && port === 4500)).toBe(true);
  });
});

describe('two L2TP clients behind one box, UDP 1701 to 1701 (RFC 3948 §5.2)', () => {
  const selector = { protocol: protocols.udp, ports: [1701, 1701] } as const;
  const l2tp = (echo: string): ProgramCommand => ({ ...udp, echo, port: 1701, fromPort: 1701 });

  /** Where the box puts carol's 4500, alice having hers: the same in every run. */
  function carolsPort(): number {
    const lab = world({ alice: clientKeys(alice, 0x1000, selector), carol: clientKeys(carol, 0x3000, selector) }, { alice: 'recompute', carol: 'recompute', server: 'recompute' });
    lab.command('alice', l2tp('a'));
    lab.run(at(1000));
    lab.command('carol', l2tp('c'));
    lab.run(at(2000));
    return lab.trace.of('mapping-created').at(-1)!.body.mapping.outside.port;
  }

  test('the last one wins: what is for alice goes to carol, who has asked for nothing', () => {
    const port = carolsPort();
    expect(port).not.toBe(4500);
    const policies = [transportPolicy('in', box, serverAddress, selector), transportPolicy('out', serverAddress, box, selector)];
    const keys = {
      alice: clientKeys(alice, 0x1000, selector), carol: clientKeys(carol, 0x3000, selector),
      server: [...policies, ...serverKeys(0x1000, 4500), ...serverKeys(0x3000, port)],
    };
    const lab = world(keys, { alice: 'recompute', carol: 'recompute', server: 'recompute' });
    lab.command('server', { kind: 'serve', protocol: 'udp', port: 1701 });
    lab.command('alice', l2tp('of-alice'));
    lab.run(at(1000));
    lab.command('carol', l2tp('of-carol'));
    lab.run(at(2000));
    lab.command('alice', l2tp('of-alice-again'));
    lab.run(at(10_000));
    expect(lab.trace.of('sa-eclipsed', 'server').map(({ body }) => [body.spi, body.by])).toEqual([[0x1001, 0x3001]]);
    expect(lab.trace.of('udp-echo-answered').map(({ body }) => body.echo)).toEqual(['of-carol']);
    expect(lab.trace.of('udp-echo-lost').map(({ body }) => body.echo)).toEqual(['of-alice', 'of-alice-again']);
    expect(lab.trace.of('drop', 'carol').map(({ body }) => body.detail)).toEqual([`nobody here has asked ${serverAddress} for this: "echo of-alice-again #1"`]);
  });
});

describe('AH', () => {
  const ah = (spi: number, from: string, to: string, more = {}): Request => {
    const request = add(spi, from, to, { mode, more });
    return { ...request, encryptionKey: undefined as never, saType: saTypes.AH, sa: { ...request.sa!, encrypt: 0, auth: authAlgorithms.SHA1HMAC }, authKey: new Uint8Array(20).fill(7) };
  };
  const policyOfAh = (...said: Parameters<typeof transportPolicy>): Request => {
    const request = transportPolicy(...said);
    return { ...request, policy: { ...request.policy!, requests: [{ ...request.policy!.requests[0]!, protocol: protocols.ah }] } };
  };

  test('crosses a box that passes it on under its own address, and is refused: the drop says what was changed', () => {
    const passesAh = { ...presetNamed('linux-masquerade')!.behaviour, ah: 'one-per-server' } as const;
    const keys = {
      alice: [ah(0x1000, alice, serverAddress), policyOfAh('out', alice, serverAddress)],
      server: [ah(0x1000, box, serverAddress, natOa), policyOfAh('in', box, serverAddress)],
    };
    const lab = world(keys, {}, {}, passesAh);
    lab.command('alice', udp);
    lab.run(at(5000));
    expect(lab.trace.of('packet', 'server').map(({ body }) => body.bytes[9])).toEqual([protocols.ah]);
    expect(lab.trace.of('drop').map(({ node, body }) => [node, body.reason, body.detail])).toEqual([
      ['server', 'ah-authentication', `SPI 0x00001000, sequence 1: the source address was changed: signed for ${alice}, arrived as ${box}`],
    ]);
    expect(lab.trace.of('udp-echo-lost')).toHaveLength(1);
  });

  test('carries everything where there is no box', () => {
    const ends = (own: string, far: string): Request[] => [ah(0x1000, alice, carol), ah(0x1001, carol, alice), policyOfAh('out', own, far), policyOfAh('in', far, own)];
    const lab = world({ alice: ends(alice, carol), carol: ends(carol, alice) }, {});
    for (const command of [ping, udp, tcp]) lab.command('alice', { ...command, to: ip(carol) });
    lab.run(at(5000));
    expect(lab.trace.of('drop')).toEqual([]);
    expect((['ping-answered', 'udp-echo-answered', 'tcp-probe-answered'] as const).map((kind) => lab.trace.of(kind).length)).toEqual([1, 1, 1]);
    expect(new Set(lab.trace.of('packet').map(({ body }) => body.bytes[9]))).toEqual(new Set([protocols.ah]));
  });
});

describe('the same programs in tunnel mode', () => {
  test('reach the far end’s inner address, whose checksums no box has touched', () => {
    const lab = world(
      {
        alice: [add(0x1000, alice, serverAddress, { ports: [4500, 4500] }), add(0x1001, serverAddress, alice, { ports: [4500, 4500] }), policy('out', '10.98.0.1/32', '10.99.0.1/32', [alice, serverAddress]), policy('in', '10.99.0.1/32', '10.98.0.1/32', [serverAddress, alice])],
        server: [add(0x1000, box, serverAddress, { ports: [4500, 4500] }), add(0x1001, serverAddress, box, { ports: [4500, 4500] }), policy('in', '10.98.0.1/32', '10.99.0.1/32', [box, serverAddress]), policy('out', '10.99.0.1/32', '10.98.0.1/32', [serverAddress, box])],
      },
      { alice: 'none', server: 'none' },
      { alice: '10.98.0.1', server: '10.99.0.1' },
    );
    for (const command of [udp, tcp]) lab.command('alice', { ...command, to: ip('10.99.0.1') });
    lab.run(at(5000));
    expect([lab.trace.of('udp-echo-answered').length, lab.trace.of('tcp-probe-answered').length, lab.trace.of('drop').length]).toEqual([1, 1, 0]);
  });
});

test('hosts without IPsec have them too, in the clear, and the box mends what it translates', () => {
  const lab = new World(
    {
      segments: [segment('home', '192.168.1.0/24'), segment('internet', '203.0.113.0/24')],
      nodes: [
        host('alice', [`home ${alice}/24`], ['0.0.0.0/0 192.168.1.1']),
        natBox('box', ['home 192.168.1.1/24', `internet ${box}/24`], [], presetNamed('linux-masquerade')!.behaviour),
        host('server', [`internet ${serverAddress}/24`]),
      ],
    },
    { seed: 1, endpoint: () => { throw new Error('nobody has an endpoint here'); } },
  );
  for (const command of [udp, tcp]) lab.command('alice', command);
  lab.command('alice', { ...udp, echo: 'nobody', port: 9 });
  lab.command('alice', { ...tcp, probe: 'closed', port: 9 });
  lab.run(at(5000));
  expect(lab.trace.of('udp-echo-answered').map(({ body }) => body.echo)).toEqual(['u']);
  expect(lab.trace.of('tcp-probe-answered').map(({ body }) => body.probe)).toEqual(['t']);
  expect(lab.trace.of('tcp-probe-lost').map(({ body }) => body.why)).toEqual([`${serverAddress} refuses: nobody answers on port 9`]);
  expect(lab.trace.of('drop', 'server').map(({ body }) => body.reason)).toEqual(['no-listener']);
});
