/** The machine in a router's namespace against the simulator's NAT node, packet by packet as seen from outside: what the kernel does around it must be the same. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, vi } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import { setU16, toHex } from '../../../src/core/bytes.ts';
import type { Side } from '../../../src/core/events.ts';
import { seeded } from '../../../src/core/random.ts';
import { milliseconds, start } from '../../../src/core/time.ts';
import type { PortForward } from '../../../src/nat/behaviour.ts';
import { buildNode } from '../../../src/sim/build.ts';
import type { PlannedSegment } from '../../../src/sim/build.ts';
import type { NatPlan } from '../../../src/sim/plan.ts';
import { Segment } from '../../../src/sim/segment.ts';
import { fragmentIpv4 } from '../../../src/wire/fragmentation.ts';
import { icmpHeaderLength, icmpTypes } from '../../../src/wire/icmp.ts';
import { ipv4At, ipv4HeaderLengthOf } from '../../../src/wire/ipv4.ts';
import { protocols } from '../../../src/wire/protocols.ts';
import { TraceLog } from '../../../src/trace/trace.ts';
import { openNamespaces } from '../../../lab/backends/netns/lab.ts';
import { loadTopology, vary } from '../../../lab/topology/load.ts';
import { planTopology } from '../../../lab/topology/plan.ts';
import { behaviourOf } from '../../nat/lab.ts';
import { echo, tcp, told as inWords, udp } from '../../nat/packets.ts';
import { needs } from '../../support/needs.ts';
import { openTunBox, planOf } from './tun-box.ts';
import type { TunBox } from './tun-box.ts';

const { test } = needs('network namespaces', 'koffi', 'tun');

const octets = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff);
const neighbours = { inside: ['10.0.0.2', '10.0.0.3', '10.0.0.9'], outside: ['203.0.113.254', '203.0.113.7'] } as const;

type Sent = readonly [side: Side, packet: Uint8Array];
type Mtus = Readonly<Record<Side, number>>;
const ethernet: Mtus = { inside: 1500, outside: 1500 };

/** What comes out of the simulator's node, packet by packet sent. */
function onSim(plan: NatPlan, mtus: Mtus, sent: readonly Sent[]): string[][] {
  const perfect = { latency: milliseconds(0), jitter: milliseconds(0), loss: 0, duplication: 0, reordering: 0, reorderDelay: milliseconds(0) };
  const segments = new Map(
    (['inside', 'outside'] as const).map((name): [string, PlannedSegment] => {
      const segment = { name, prefix: prefix('0.0.0.0/0'), mtu: mtus[name], impairment: perfect };
      const machine = new Segment(segment, seeded(1));
      for (const address of neighbours[name]) machine.attach(ip(address), { node: address, interface: 'eth0' });
      return [name, { plan: segment, machine }];
    }),
  );
  const node = buildNode(plan, segments, seeded(1), {
    endpoint: () => {
      throw new TypeError('there are no endpoints here');
    },
  });
  return sent.map(([side, packet]) => {
    node.handle(start, { kind: 'packet', interface: side, packet });
    const out: string[] = [];
    for (let output = node.poll(); output !== undefined; output = node.poll()) {
      if (output.kind === 'transmit') out.push(told(output.interface, output.packet));
    }
    return out;
  });
}

async function overTun(plan: NatPlan, mtus: Mtus, sent: readonly Sent[], expected: readonly (readonly string[])[]): Promise<string[][]> {
  await using box = openTunBox(plan, mtus);
  const seen: string[][] = [];
  for (const [i, [side, packet]] of sent.entries()) {
    box.write(side, packet);
    const out: string[] = [];
    // as many as should come, and as long as one more might
    for (;;) {
      const passed = await box.next(out.length < expected[i]!.length ? 3000 : 50);
      if (passed === undefined) break;
      out.push(told(passed.to, passed.packet));
    }
    seen.push(out);
  }
  return seen;
}

/**
 * Where and what, byte for byte; of ICMP that a node makes itself, all but what may differ between any two: type of service and identification, and
 * whether the quoted packet has lost its hop yet (RFC 1812 §4.3.2.3). All of that is in sums, too.
 */
function told(to: string, bytes: Uint8Array): string {
  const packet = bytes.slice();
  if (packet[9] !== protocols.icmp) return `${to} ${toHex(packet)}`;
  const message = ipv4HeaderLengthOf(packet);
  packet[ipv4At.tos] = 0;
  for (const at of [ipv4At.identification, ipv4At.checksum, message + 2]) setU16(packet, at, 0);
  if (packet[message] === icmpTypes.unreachable) {
    packet[message + icmpHeaderLength + ipv4At.ttl] = 0;
    setU16(packet, message + icmpHeaderLength + ipv4At.checksum, 0);
  }
  return `${to} ${toHex(packet)}`;
}

async function same(plan: NatPlan, sent: readonly Sent[], mtus = ethernet): Promise<string[][]> {
  const expected = onSim(plan, mtus, sent);
  expect(await overTun(plan, mtus, sent, expected)).toEqual(expected);
  return expected;
}

const fullCone = { behaviour: behaviourOf('full-cone'), forwards: [] };

describe('from outside nobody can tell the machine over the kernel from the simulator', () => {
  test('a packet loses one hop, either way, whatever hops it had', async () => {
    const out = await same(planOf(fullCone), [
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500', { ttl: 64 })],
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500', { ttl: 255 })],
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500', { ttl: 2 })],
      ['outside', udp('198.51.100.1:4500', '203.0.113.1:4500', { ttl: 128 })],
    ]);
    expect(out.map((passed) => passed.length)).toEqual([1, 1, 1, 1]);
  });

  test('the last hop is told by ICMP, from the address that faces the sender', async () => {
    const out = await same(planOf(fullCone), [
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500', { ttl: 1 })],
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500')],
      ['outside', udp('198.51.100.1:4500', '203.0.113.1:4500', { ttl: 1 })],
    ]);
    expect(out.map((passed) => passed.length)).toEqual([1, 1, 1]);
  });

  test('fragments in any order are put together, translated and cut again', async () => {
    const whole = udp('10.0.0.2:4500', '198.51.100.1:4500', { payload: octets(3000), identification: 7 });
    const pieces = fragmentIpv4(whole, 1500) as Uint8Array[];
    const answer = fragmentIpv4(udp('198.51.100.1:4500', '203.0.113.1:4500', { payload: octets(2500), identification: 8 }), 800) as Uint8Array[];
    const out = await same(planOf(fullCone), [...pieces.toReversed().map((piece) => ['inside', piece] as const), ...answer.map((piece) => ['outside', piece] as const)]);
    expect(out.map((passed) => passed.length)).toEqual([0, 0, 3, 0, 0, 0, 2]);
  });

  test('what the next link has no room for is cut, or told to its sender by ICMP about the packet as it was sent', async () => {
    const narrow = { inside: 1500, outside: 1400 };
    const out = await same(planOf(fullCone), [
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500', { payload: octets(1472), identification: 9 })],
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500', { payload: octets(1472), dontFragment: true })],
    ], narrow);
    expect(out.map((passed) => passed.length)).toEqual([2, 1]);
  });

  test('a large packet passes whole where the links are made for it', async () => {
    const out = await same(planOf(fullCone), [['inside', udp('10.0.0.2:4500', '198.51.100.1:4500', { payload: octets(8000), dontFragment: true })]], { inside: 9000, outside: 9000 });
    expect(out.map((passed) => passed.length)).toEqual([1]);
  });

  test('what is for the router itself is answered inside, and never outside', async () => {
    const out = await same(planOf(fullCone), [
      ['inside', echo('10.0.0.2', '10.255.255.1', 7)],
      ['inside', udp('10.0.0.2:4500', '10.255.255.1:4500')],
      ['outside', echo('198.51.100.1', '203.0.113.1', 7)],
      ['outside', udp('198.51.100.1:4500', '203.0.113.1:4500')],
      ['outside', udp('198.51.100.1:4500', '10.255.255.1:4500')],
      ['outside', tcp('198.51.100.1:80', '203.0.113.1:22', ['syn'])],
    ]);
    expect(out.map((passed) => passed.length)).toEqual([1, 1, 0, 0, 0, 0]);
  });

  test('a hairpin turns around, one hop older', async () => {
    const out = await same(planOf(fullCone), [
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500')],
      ['inside', udp('10.0.0.3:4000', '203.0.113.1:4500')],
      ['inside', udp('10.0.0.2:4500', '203.0.113.1:4000')],
      ['inside', udp('10.0.0.3:4000', '203.0.113.1:4501')],
    ]);
    expect(out.map((passed) => passed.length)).toEqual([1, 1, 1, 0]);
  });

  test('packets of nobody and to nobody go nowhere: martians, broadcast, multicast, foreign sources, and the box as its own peer', async () => {
    const out = await same(planOf(fullCone), [
      ['inside', udp('127.0.0.1:1', '198.51.100.1:4500')],
      ['inside', udp('192.168.7.7:1', '198.51.100.1:4500')],
      ['outside', udp('10.0.0.2:4500', '10.0.0.3:4500')],
      ['outside', udp('203.0.113.1:4500', '203.0.113.1:4500')],
      ['outside', udp('198.51.100.1:4500', '255.255.255.255:4500')],
      ['outside', udp('198.51.100.1:4500', '203.0.113.255:4500')],
      ['outside', udp('198.51.100.1:4500', '192.0.2.1:4500')],
    ]);
    expect(out).toEqual([[], [], [], [], [], [], []]);
  });

  test('every outside address is the box: forwarded ports are open on all, and hairpins go to all', async () => {
    const forwards: PortForward[] = [{ protocol: 'udp', port: 4500, to: { address: ip('10.0.0.9'), port: 4500 } }];
    const outsideAddresses = ['203.0.113.1', '203.0.113.2', '192.0.2.99'].map(ip);
    const out = await same(planOf({ behaviour: behaviourOf('full-cone'), forwards, outsideAddresses }), [
      ['outside', udp('198.51.100.1:1', '203.0.113.1:4500')],
      ['outside', udp('198.51.100.1:2', '203.0.113.2:4500')],
      ['outside', udp('198.51.100.1:3', '192.0.2.99:4500')],
      ['inside', udp('10.0.0.9:4500', '198.51.100.1:2')],
      ['inside', udp('10.0.0.2:5000', '203.0.113.2:4500')],
      ['inside', udp('10.0.0.2:5001', '192.0.2.99:4500')],
    ]);
    expect(out.map((passed) => passed.length)).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe('in the namespace', () => {
  test('what inside networks send one another is routed past the machine', async () => {
    const plan: NatPlan = {
      ...planOf(fullCone),
      interfaces: [
        { name: 'inside', segment: 'inside', address: ip('10.0.0.1'), prefixLength: 24 },
        { name: 'upstairs', segment: 'upstairs', address: ip('10.0.1.1'), prefixLength: 24 },
        { name: 'outside', segment: 'outside', address: ip('203.0.113.1'), prefixLength: 24 },
      ],
      inside: ['inside', 'upstairs'],
    };
    await using box = openTunBox(plan);
    for (const [on, from, to, there] of [
      ['inside', '10.0.0.2:500', '10.0.1.2:500', 'upstairs udp 10.0.0.2:500 > 10.0.1.2:500'],
      ['upstairs', '10.0.1.2:500', '198.51.100.1:500', 'outside udp 203.0.113.1:500 > 198.51.100.1:500'],
      ['outside', '198.51.100.1:500', '203.0.113.1:500', 'upstairs udp 198.51.100.1:500 > 10.0.1.2:500'],
      ['inside', '10.0.0.2:600', '203.0.113.1:500', 'upstairs udp 203.0.113.1:600 > 10.0.1.2:500'],
    ] as const) {
      box.write(on, udp(from, to));
      const passed = await box.next(3000);
      expect(passed && `${passed.to} ${inWords(passed.packet)}`).toBe(there);
    }
    expect(box.events.map(({ kind }) => kind)).toEqual(['mapping-created', 'mapping-created']);
  });

  test('fragments reach the machine as they came, and the kernel tracks no connection', async () => {
    await using box = openTunBox(planOf({ behaviour: behaviourOf('full-cone', { fragments: 'drop' }), forwards: [] }));
    const pieces = fragmentIpv4(udp('10.0.0.2:4500', '198.51.100.1:4500', { payload: octets(3000), identification: 7 }), 1500) as Uint8Array[];
    for (const piece of pieces) box.write('inside', piece);
    expect(await box.next(100)).toBeUndefined();
    expect(box.events.map((event) => event.kind === 'drop' && event.reason)).toEqual(['nat-fragment', 'nat-fragment', 'nat-fragment']);
    expect(box.namespace.inside(() => existsSync('/proc/thread-self/net/nf_conntrack') && readFileSync('/proc/thread-self/net/nf_conntrack', 'utf8'))).toSatisfy((listed) => listed === false || listed === '');
  });

  test('each packet passes the devices once: in by the one, out by the other or the same', async () => {
    await using box = openTunBox(planOf(fullCone));
    const crossing = [
      ['inside', udp('10.0.0.2:4500', '198.51.100.1:4500')],
      ['outside', udp('198.51.100.1:4500', '203.0.113.1:4500')],
      ['inside', udp('10.0.0.3:4000', '203.0.113.1:4500')],
    ] as const;
    for (const [on, packet] of crossing) {
      box.write(on, packet);
      expect(await box.next(3000)).toBeDefined();
    }
    box.write('outside', udp('198.51.100.1:4500', '203.0.113.1:9')); // ends here
    expect(await box.next(100)).toBeUndefined();
    expect(countersOf(box.namespace)).toEqual({ 'nat-inside': { taken: 2, given: 2 }, 'nat-outside': { taken: 2, given: 1 } });
  });

  test('a mapping expires by the clock of the lab, with nobody knocking, and is told', async () => {
    await using box = openTunBox(planOf({ behaviour: behaviourOf('full-cone', { timeouts: { unreplied: milliseconds(700) } }), forwards: [] }));
    box.write('inside', udp('10.0.0.2:4500', '198.51.100.1:4500'));
    await box.next(3000);
    expect(box.box.mappings()).toMatchObject([{ inside: { address: '10.0.0.2', port: 4500 }, outside: { address: '203.0.113.1', port: 4500 } }]);
    await vi.waitFor(() => expect(box.events).toHaveLength(2), { timeout: 3000, interval: 5 });
    expect(box.events[1]).toMatchObject({ kind: 'mapping-expired', mapping: { expiresIn: 0 }, story: expect.stringContaining('nothing refreshed it for 700 ms') as string });
    expect(box.box.mappings()).toEqual([]);
  });

  test('with another address the old one is nobody, and the new one translates', async () => {
    await using box = openTunBox(planOf(fullCone));
    const outcome = async (on: string, packet: Uint8Array, patience = 3000): Promise<string | undefined> => {
      box.write(on, packet);
      const passed = await box.next(patience);
      return passed && inWords(passed.packet);
    };
    expect(await outcome('inside', udp('10.0.0.2:4500', '198.51.100.1:4500'))).toBe('udp 203.0.113.1:4500 > 198.51.100.1:4500');
    box.control({ kind: 'change-address', address: ip('203.0.113.77') });
    expect(box.box.mappings()).toEqual([]);
    expect(await outcome('outside', udp('198.51.100.1:4500', '203.0.113.1:4500'), 100)).toBeUndefined();
    expect(await outcome('inside', udp('10.0.0.2:4500', '198.51.100.1:4500'))).toBe('udp 203.0.113.77:4500 > 198.51.100.1:4500');
    expect(await outcome('outside', udp('198.51.100.1:4500', '203.0.113.77:4500'))).toBe('udp 198.51.100.1:4500 > 10.0.0.2:4500');
    expect(await outcome('inside', udp('10.0.0.3:4000', '203.0.113.77:4500'))).toBe('udp 203.0.113.77:4000 > 10.0.0.2:4500');
    box.control({ kind: 'reboot' });
    expect(await outcome('outside', udp('198.51.100.1:4500', '203.0.113.77:4500'), 100)).toBeUndefined();
    expect(box.events.map(({ kind }) => kind)).toEqual([
      'mapping-created', 'nat-control', 'mapping-removed', 'drop', 'mapping-created', 'mapping-created', 'nat-control', 'mapping-removed', 'mapping-removed', 'drop',
    ]);
  });

  test('a box that keeps mappings at an address that went sends from there, and is answered by nobody', async () => {
    await using box = openTunBox(planOf({ behaviour: behaviourOf('stale-mappings'), forwards: [] }));
    const outcome = async (on: string, packet: Uint8Array, patience = 3000): Promise<string | undefined> => {
      box.write(on, packet);
      const passed = await box.next(patience);
      return passed && inWords(passed.packet);
    };
    expect(await outcome('inside', udp('10.0.0.2:4500', '198.51.100.1:4500'))).toBe('udp 203.0.113.1:4500 > 198.51.100.1:4500');
    box.control({ kind: 'change-address', address: ip('203.0.113.77') });
    expect(await outcome('inside', udp('10.0.0.2:4500', '198.51.100.1:4500'))).toBe('udp 203.0.113.1:4500 > 198.51.100.1:4500');
    expect(await outcome('inside', udp('10.0.0.2:4501', '198.51.100.1:4500'))).toBe('udp 203.0.113.77:4501 > 198.51.100.1:4500');
  });

  test('a table that is filled on command takes nothing new, and what it knows goes on', async () => {
    await using box = openTunBox(planOf({ behaviour: behaviourOf('linux-masquerade', { tableSize: 50 }), forwards: [] }));
    box.write('inside', udp('10.0.0.2:4500', '198.51.100.1:4500'));
    await box.next(3000);
    box.control({ kind: 'fill' });
    expect(box.box.mappings()).toHaveLength(50);
    box.write('inside', udp('10.0.0.3:4500', '198.51.100.1:4500'));
    expect(await box.next(100)).toBeUndefined();
    expect(box.events.at(-1)).toMatchObject({ kind: 'drop', detail: 'the table of box is full: 50 entries' });
    box.write('inside', udp('10.0.0.2:4500', '198.51.100.1:4500'));
    expect(inWords((await box.next(3000))!.packet)).toBe('udp 203.0.113.1:4500 > 198.51.100.1:4500');
  });
});

/** What the devices of the box have taken from the kernel and given to it, in packets. */
function countersOf(namespace: TunBox['namespace']): Record<string, { taken: number; given: number }> {
  const lines = namespace.inside(() => readFileSync('/proc/thread-self/net/dev', 'utf8')).split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [name = '', , received, , , , , , , , sent] = line.trim().split(/[:\s]+/);
      return name.startsWith('nat-') ? [[name, { taken: Number(sent), given: Number(received) }]] : [];
    }),
  );
}

describe('on a segment with neighbours', () => {
  const { test: withPing } = needs('network namespaces', 'koffi', 'tun', 'nft', 'ping', 'ip');

  withPing('the box answers for its outside address and for no other, and after a change for the new one', { timeout: 30_000 }, async () => {
    const home = planTopology(vary(loadTopology('home'), { nats: { box: { preset: 'full-cone' } } }));
    await using lab = openNamespaces(home.plan, { seed: 1, trace: new TraceLog() });
    const answered = async (address: string): Promise<boolean> => {
      await lab.exec('gateway', ['ip', 'neigh', 'flush', 'all']);
      await lab.exec('gateway', ['ping', '-c', '1', '-W', '1', address]);
      return (await lab.exec('gateway', ['ip', 'neigh', 'show', address])).stdout.includes('lladdr');
    };
    expect(await answered('203.0.113.1')).toBe(true);
    expect(await answered('203.0.113.77')).toBe(false);
    expect(await answered('192.168.1.1')).toBe(false);
    await lab.control('box', { kind: 'change-address', address: ip('203.0.113.77') });
    expect(await answered('203.0.113.77')).toBe(true);
    expect(await answered('203.0.113.1')).toBe(false);
  });
});
