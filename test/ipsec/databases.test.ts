/** What the two databases hold, seen from within. */
import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { start } from '../../src/core/time.ts';
import { Kernel } from '../../src/ipsec/kernel.ts';
import { sendInner } from '../../src/ipsec/outbound.ts';
import { PfkeySocket } from '../../src/ipsec/pfkey-socket.ts';
import { sequenceLimit } from '../../src/ipsec/replay-window.ts';
import type { EstablishedSa } from '../../src/ipsec/sad.ts';
import { Spd, type Policy, type Selector } from '../../src/ipsec/spd.ts';
import { trafficOf } from '../../src/ipsec/traffic.ts';
import { encodePfkey } from '../../src/wire/pfkey/linux.ts';
import { add, address, drops, east, eastNet, Host, inner, innerOf, of, pair, policy, spiToEast, spiToWest, suites, west, westNet, type Request } from './host.ts';

describe('a selector', () => {
  const anything: Selector = { source: prefix('10.1.0.0/16'), destination: prefix('10.2.0.0/17'), protocol: 0, sourcePort: 0, destinationPort: 0 };
  const datagram = inner('10.1.0.5', '10.2.0.6'); // 40000 -> 7
  const laterFragment = datagram.slice();
  laterFragment.set([0, 1], 6);
  laterFragment[11]! -= 1; // the header checksum follows

  test.each<[string, Partial<Selector>, Uint8Array, boolean]>([
    ['that leaves protocol and ports open holds everything between the prefixes', {}, datagram, true],
    ['of another source prefix does not', { source: prefix('10.1.0.0/30') }, datagram, false],
    ['of another destination prefix does not', { destination: prefix('10.2.128.0/17') }, datagram, false],
    ['of no prefix at all holds every address', { source: prefix('0.0.0.0/0'), destination: prefix('0.0.0.0/0') }, datagram, true],
    ['of one address each holds that one', { source: prefix('10.1.0.5/32'), destination: prefix('10.2.0.6/32') }, datagram, true],
    ['of the protocol', { protocol: 17 }, datagram, true],
    ['of another protocol', { protocol: 6 }, datagram, false],
    ['of both ports', { protocol: 17, sourcePort: 40_000, destinationPort: 7 }, datagram, true],
    ['of another source port', { protocol: 17, sourcePort: 40_001 }, datagram, false],
    ['of another destination port', { protocol: 17, destinationPort: 8 }, datagram, false],
    ['that names a port does not hold a packet without ports', { destinationPort: 7 }, innerOf('10.1.0.5', '10.2.0.6', 47, new Uint8Array(8)), false],
    ['that names a port does not hold a later fragment (RFC 4301 §4.4.1.1)', { protocol: 17, destinationPort: 7 }, laterFragment, false],
    ['that leaves ports open holds a later fragment', { protocol: 17 }, laterFragment, true],
    ['of IPv6 does not hold IPv4', { source: prefix('::/0'), destination: prefix('::/0') }, datagram, false],
  ])('%s', (_, fields, packet, holds) => {
    const spd = new Spd();
    const only: Policy = { id: 1, direction: 'out', selector: { ...anything, ...fields }, priority: 0, action: 'bypass' };
    spd.add(only);
    const traffic = trafficOf(packet);
    if (!traffic.ok) throw new Error(traffic.detail);
    expect(spd.matching('out', traffic.value)).toEqual(holds ? [only] : []);
    expect(spd.matching('in', traffic.value)).toEqual([]);
    spd.remove(only);
    expect(spd.matching('out', traffic.value)).toEqual([]);
  });
});

describe('an SA', () => {
  const kernelWith = (...requests: readonly Request[]): { kernel: Kernel; socket: PfkeySocket; sent: Uint8Array[] } => {
    const kernel = new Kernel({ addresses: [ip(west)], random: seeded(1) });
    const socket = new PfkeySocket(kernel);
    const sent = requests.map((request) => encodePfkey({ saType: 3, errno: 0, sequence: 1, pid: 1, ...request }));
    for (const message of sent) socket.receive(start, message);
    drain(kernel);
    return { kernel, socket, sent };
  };
  const established = (kernel: Kernel): EstablishedSa => kernel.sad.get('esp', spiToEast, ip(east)) as EstablishedSa;

  test('leaves zeros where its keys were, and the messages that brought them as they are', () => {
    const { kernel, sent } = kernelWith(add(spiToEast, west, east, { suite: suites[4]! }));
    const before = sent[0]!.slice();
    const sa = established(kernel);
    expect(sa.encryptionKey.some((octet) => octet !== 0)).toBe(true);
    kernel.sad.remove(sa);
    expect([...sa.encryptionKey, ...sa.authKey].every((octet) => octet === 0)).toBe(true);
    expect(sent[0]).toEqual(before);
  });

  test('never uses a sequence number twice: after the last one nothing leaves (RFC 4303 §3.3.3)', () => {
    const { kernel } = kernelWith(add(spiToEast, west, east), policy('out', westNet, eastNet, [west, east]));
    established(kernel).sequence = sequenceLimit.plain - 1;
    sendInner(kernel, start, inner('10.1.0.5', '10.2.0.6'));
    expect(of(drain(kernel), 'esp')[0]!.payload.subarray(4, 8)).toEqual(Uint8Array.of(255, 255, 255, 255));
    sendInner(kernel, start, inner('10.1.0.5', '10.2.0.6'));
    expect(drops(drain(kernel))).toEqual(['esp-sequence-overflow']);
  });

  test('with extended numbers goes on behind 2³²', () => {
    const { kernel } = kernelWith(add(spiToEast, west, east, { extended: true }), policy('out', westNet, eastNet, [west, east]));
    established(kernel).sequence = sequenceLimit.plain;
    sendInner(kernel, start, inner('10.1.0.5', '10.2.0.6'));
    expect(of(drain(kernel), 'esp')[0]!.payload.subarray(4, 8)).toEqual(new Uint8Array(4));
  });
});

describe('UPDATE', () => {
  const named = (spi: number) => ({ spi, replay: 0, state: 0, auth: 0, encrypt: 0, flags: 0 });
  const moveTo = (destination: string): Request => ({ type: 'SADB_UPDATE', sa: named(spiToEast), source: address(west), destination: address(east), newDestination: address(destination) });

  test.each([
    ['an outbound SA cannot become an inbound one', moveTo(west), 22],
    ['nor move between the families', moveTo('2001:db8::1'), 22],
    ['nor to where another one is', moveTo('203.0.113.9'), 17],
    ['but anywhere else', moveTo('203.0.113.10'), 0],
  ])('%s', (_, request, errno) => {
    const { west: host } = pair();
    host.pfkey(add(spiToEast, west, '203.0.113.9'));
    expect(host.ask(request).errno).toBe(errno);
  });

  test('of a larval SA keeps the reqid of its GETSPI when it says none', () => {
    const host = new Host(ip(west));
    const { sa } = host.ask({ type: 'SADB_GETSPI', source: address(east), destination: address(west), sa2: { mode: 2, sequence: 0, reqid: 42 }, spiRange: { min: 256, max: 0xffff } });
    expect(host.ask({ ...add(sa!.spi, east, west), type: 'SADB_UPDATE', sa2: undefined as never }).sa2).toMatchObject({ reqid: 42 });
  });

  test('makes the stack tell again of a mapping that it had told of', () => {
    const { west: sender, east: receiver } = pair({ inUdp: true });
    const arrive = () =>
      of(sender.outbound(inner('10.1.0.5', '10.2.0.6')), 'datagram').flatMap(({ peer, payload }) => receiver.do({ kind: 'datagram', local: peer, peer: { address: ip(west), port: 5 }, payload }));
    const told = () => of(arrive(), 'pfkey').length;
    expect([told(), told()]).toEqual([1, 0]);
    receiver.pfkey({ type: 'SADB_UPDATE', sa: named(spiToEast), source: address(west), destination: address(east), nattType: 2, nattSourcePort: 6, nattDestinationPort: 4500 });
    expect([told(), told()]).toEqual([1, 0]);
    expect(receiver.ask({ type: 'SADB_GET', sa: named(spiToWest), destination: address(west) }).errno).toBe(0);
  });
});

test('padding behind an outbound packet is not sent', () => {
  const { west: host } = pair();
  const packet = inner('10.1.0.5', '10.2.0.6');
  const [bare, padded] = [packet, Uint8Array.from([...packet, ...new Uint8Array(100)])].map((octets) => of(host.outbound(octets), 'esp')[0]!.payload.length);
  expect(padded).toBe(bare);
});
