import { expect } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import type { Endpoint } from '../../../src/core/address.ts';
import { concat } from '../../../src/core/bytes.ts';
import { encodeIpv4 } from '../../../src/wire/ipv4.ts';
import { LabClock } from '../../../lab/backends/linux/lab-clock.ts';
import { PacketSocket } from '../../../lab/backends/linux/packet-socket.ts';
import type { SeenPacket } from '../../../lab/backends/linux/packet-socket.ts';
import { IPPROTO_AH, IPPROTO_ESP, RawSocket } from '../../../lab/backends/linux/raw-socket.ts';
import type { RawPacket, ReceivedPacket } from '../../../lab/backends/linux/raw-socket.ts';
import { TunDevice } from '../../../lab/backends/linux/tun.ts';
import { UdpSocket } from '../../../lab/backends/linux/udp-socket.ts';
import type { Datagram } from '../../../lab/backends/linux/udp-socket.ts';
import { needs } from '../../support/needs.ts';
import { Inbox, twoHosts } from './two-hosts.ts';

const { test } = needs('network namespaces', 'koffi');

const at = (address: string, port: number): Endpoint => ({ address: ip(address), port });
const bytes = (...octets: number[]): Uint8Array => Uint8Array.from(octets);
const udpChecksum = (packet: Uint8Array): number => (packet[26]! << 8) | packet[27]!;

/** RFC 1071 over pseudo header and UDP of an IPv4 packet: 0xffff where the checksum in it is right. */
function sumOverUdp(packet: Uint8Array): number {
  const udp = packet.subarray(20);
  const words = Uint8Array.from([...packet.subarray(12, 20), 0, 17, udp.length >> 8, udp.length & 255, ...udp, ...(udp.length % 2 === 1 ? [0] : [])]);
  let sum = 0;
  for (let i = 0; i < words.length; i += 2) sum += (words[i]! << 8) | words[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test('a datagram arrives with the address it was sent to and the address it came from, on IPv4 and IPv6', async () => {
  await using net = twoHosts({ ipv6: true });
  for (const [wildcard, from, to] of [['0.0.0.0', '10.0.0.1', '10.0.0.2'], ['::', 'fd00::1', 'fd00::2']] as const) {
    const inbox = new Inbox<Datagram>();
    new UdpSocket(net.b.namespace, net.poller, at(wildcard, 500), inbox.push);
    const sender = new UdpSocket(net.a.namespace, net.poller, at(from, 500), () => undefined);
    expect(sender.send(at(to, 500), bytes(1, 2, 3))).toBe('sent');
    expect(await inbox.next()).toEqual({ local: at(to, 500), peer: at(from, 500), payload: bytes(1, 2, 3) });
  }
});

test('a socket on the wildcard answers from the address that it is told to', async () => {
  await using net = twoHosts();
  net.a.addAddress('eth0', { address: ip('10.0.0.77'), length: 24 });
  const inbox = new Inbox<Datagram>();
  new UdpSocket(net.b.namespace, net.poller, at('10.0.0.2', 4500), inbox.push);
  const sender = new UdpSocket(net.a.namespace, net.poller, at('0.0.0.0', 4500), () => undefined);
  expect(sender.send(at('10.0.0.2', 4500), bytes(0xff), { from: ip('10.0.0.77') })).toBe('sent');
  expect((await inbox.next()).peer).toEqual(at('10.0.0.77', 4500));
});

test('what the kernel refuses to send is told by the name of its errno', async () => {
  await using net = twoHosts();
  const sender = new UdpSocket(net.a.namespace, net.poller, at('0.0.0.0', 500), () => undefined);
  expect(sender.send(at('198.51.100.1', 500), bytes(1))).toBe('ENETUNREACH');
  expect(() => new UdpSocket(net.a.namespace, net.poller, at('10.9.9.9', 500), () => undefined)).toThrow('bind: EADDRNOTAVAIL (UDP 10.9.9.9 port 500)');
});

test('the packet socket sees both ends of the cable, with real UDP checksums, and a zero one where it was left out', async () => {
  await using net = twoHosts();
  const clock = new LabClock();
  const seen = { a: new Inbox<SeenPacket>(), b: new Inbox<SeenPacket>() };
  for (const side of ['a', 'b'] as const) {
    new PacketSocket(net[side].namespace, net.poller, { interfaces: [net[side].index('eth0')], clock }, seen[side].push);
  }
  new UdpSocket(net.b.namespace, net.poller, at('10.0.0.2', 4500), () => undefined);
  const sender = new UdpSocket(net.a.namespace, net.poller, at('10.0.0.1', 4500), () => undefined);
  const before = clock.now();
  for (const checksum of ['computed', 'zero', 'computed'] as const) {
    sender.send(at('10.0.0.2', 4500), bytes(9, 8, 7), { checksum });
    const out = await seen.a.next();
    const arrived = await seen.b.next();
    expect([out.direction, arrived.direction]).toEqual(['out', 'in']);
    expect(out.bytes).toEqual(arrived.bytes);
    expect(out.bytes.subarray(28)).toEqual(bytes(9, 8, 7));
    if (checksum === 'zero') expect(udpChecksum(out.bytes)).toBe(0);
    else expect(sumOverUdp(out.bytes)).toBe(0xffff);
    expect(out.at).toBeGreaterThanOrEqual(before - 1);
    expect(arrived.at).toBeGreaterThanOrEqual(out.at);
    expect(arrived.at).toBeLessThanOrEqual(clock.now());
  }
});

test('over IPv6 the kernel throws away what has no checksum, though it arrives (RFC 8200 §8.1)', async () => {
  await using net = twoHosts({ ipv6: true });
  const seen = new Inbox<SeenPacket>();
  const inbox = new Inbox<Datagram>();
  new PacketSocket(net.b.namespace, net.poller, { interfaces: [net.b.index('eth0')], clock: new LabClock() }, seen.push);
  new UdpSocket(net.b.namespace, net.poller, at('fd00::2', 4500), inbox.push);
  const sender = new UdpSocket(net.a.namespace, net.poller, at('fd00::1', 4500), () => undefined);
  for (const [octet, checksum] of [[1, 'zero'], [2, 'computed'], [3, 'zero'], [4, 'computed']] as const) sender.send(at('fd00::2', 4500), bytes(octet), { checksum });
  await inbox.next(({ payload }) => payload[0] === 4);
  expect(inbox.items.map(({ payload }) => payload[0])).toEqual([2, 4]);
  expect(seen.items.map((packet) => [packet.bytes[48], packet.bytes[46]! + packet.bytes[47]! === 0])).toEqual([[1, true], [2, false], [3, true], [4, false]]);
});

test('the packet socket is silent about interfaces that were not asked for, and about ARP', async () => {
  await using net = twoHosts();
  const seen = new Inbox<SeenPacket>();
  const socket = new PacketSocket(net.a.namespace, net.poller, { interfaces: [net.a.index('eth0')], clock: new LabClock() }, seen.push);
  const self = new UdpSocket(net.a.namespace, net.poller, at('0.0.0.0', 500), () => undefined);
  self.send(at('127.0.0.1', 500), bytes(1));
  self.send(at('10.0.0.1', 500), bytes(2)); // to itself: over the loopback
  self.send(at('10.0.0.2', 500), bytes(3));
  await seen.next(({ direction }) => direction === 'in'); // ICMP port unreachable from b
  socket.read();
  expect(seen.items.map((packet) => [packet.direction, packet.bytes[9]])).toEqual([['out', 17], ['in', 1]]);
  expect(socket.missed()).toBe(0);
});

test('nothing but the lab is on the wire: an idle pair of hosts sends not one IP packet, IPv6 switched on or not', async () => {
  for (const ipv6 of [false, true]) {
    await using net = twoHosts({ ipv6 });
    const seen = new Inbox<SeenPacket>();
    new PacketSocket(net.a.namespace, net.poller, { interfaces: [net.a.index('eth0')], clock: new LabClock() }, seen.push);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(seen.items.map(({ bytes: packet }) => Buffer.from(packet).toString('hex'))).toEqual([]);
  }
});

test('a raw ESP payload arrives as it was sent, on IPv4 and IPv6', async () => {
  await using net = twoHosts({ ipv6: true });
  for (const [family, source, destination] of [[4, '10.0.0.1', '10.0.0.2'], [6, 'fd00::1', 'fd00::2']] as const) {
    const inbox = new Inbox<RawPacket>();
    new RawSocket(net.b.namespace, net.poller, { protocol: IPPROTO_ESP, family }, inbox.push);
    const sender = new RawSocket(net.a.namespace, net.poller, { protocol: IPPROTO_ESP, family }, () => undefined);
    const packet = { source: ip(source), destination: ip(destination), payload: bytes(0, 0, 1, 0, 0, 0, 0, 1, 0xaa) };
    expect(sender.send(packet)).toBe('sent');
    expect(await inbox.next()).toMatchObject(packet);
  }
});

needs('network namespaces', 'koffi', 'tun', 'ping').test('what is routed to a TUN device comes out of it whole, and an answer written to it reaches ping', async () => {
  await using net = twoHosts();
  const tun = new TunDevice(net.a, net.poller, { name: 'ipsec0', mtu: 1400 }, (request) => {
    const answer = request.slice();
    answer.set(request.subarray(12, 16), 16);
    answer.set(request.subarray(16, 20), 12);
    answer[20] = 0; // echo reply; the type is the upper octet of its word: one's complement subtraction of 0x0800
    const sum = ((answer[22]! << 8) | answer[23]!) + 0x0800;
    answer.set([((sum & 0xffff) + (sum >>> 16)) >> 8, ((sum & 0xffff) + (sum >>> 16)) & 255], 22);
    tun.write(answer);
  });
  net.a.addAddress('ipsec0', { address: ip('10.1.0.1'), length: 32 });
  net.a.addRoute({ to: prefix('10.2.0.0/16'), through: 'ipsec0', from: ip('10.1.0.1') });
  const ping = net.a.namespace.spawn('ping', ['-c', '2', '-i', '0.2', '-W', '2', '10.2.0.9'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  ping.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise((resolve) => ping.once('close', resolve));
  expect(said).toContain('2 received');
  tun.close();
  expect(net.a.namespace.run('ip', ['link', 'show', 'ipsec0'])).toContain('NO-CARRIER');
});

test('a whole packet leaves under its own IPv4 header and arrives with it: AH covers that', async () => {
  await using net = twoHosts();
  const inbox = new Inbox<ReceivedPacket>();
  new RawSocket(net.b.namespace, net.poller, { protocol: IPPROTO_AH, family: 4 }, inbox.push);
  const sender = new RawSocket(net.a.namespace, net.poller, { protocol: IPPROTO_AH, family: 4 }, () => undefined);
  const packet = encodeIpv4({ source: ip('10.0.0.1'), destination: ip('10.0.0.2'), protocol: IPPROTO_AH, identification: 0x1234, tos: 0xb8, ttl: 57, payload: bytes(1, 2, 3, 4) });
  expect(sender.sendWhole(packet)).toBe('sent');
  const { header, payload } = await inbox.next();
  expect(concat(header!, payload)).toEqual(packet);
  expect(sender.send({ source: ip('10.0.0.1'), destination: ip('10.0.0.2'), payload: bytes(9) })).toBe('sent');
  expect((await inbox.next()).payload).toEqual(bytes(9));
});
