import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/time.ts';
import type { ProgramCommand } from '../../src/host/ports.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { bent, here, there, TwoPrograms } from './two-programs.ts';

const echo = (more: Partial<Extract<ProgramCommand, { kind: 'udp-echo' }>> = {}): ProgramCommand => ({ kind: 'udp-echo', echo: 'hello', to: there, count: 1, interval: seconds(1), timeout: seconds(2), ...more });

test('a datagram to port 7 comes back with its data, and the run says how long it took', () => {
  const { told } = new TwoPrograms().command(echo({ fromPort: 40_000 }));
  const from = { address: here, port: 40_000 };
  const to = { address: there, port: 7 };
  expect(told.client).toEqual([
    { kind: 'udp-echo-sent', echo: 'hello', from, to, sequence: 1 },
    { kind: 'udp-echo-answered', echo: 'hello', from, to, sequence: 1, roundTrip: 0 },
  ]);
  expect(told.server).toEqual([]);
});

test('RFC 862: the datagram as it is on the wire, and its answer', () => {
  const { sent } = new TwoPrograms().command(echo({ fromPort: 40_000, size: 8 }));
  expect(sent).toEqual([
    encodeUdpPacket({ address: here, port: 40_000 }, { address: there, port: 7 }, utf8('echo hel'), 'computed'),
    encodeUdpPacket({ address: there, port: 7 }, { address: here, port: 40_000 }, utf8('echo hel'), 'computed'),
  ]);
});

test('another port is served when a command says so, the client speaking from the same one', () => {
  const two = new TwoPrograms();
  two.command(echo({ port: 1701, fromPort: 1701 })).until(2000);
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'udp-echo-lost', why: 'no answer within 2 s' });
  two.server.handle(two.now, { kind: 'serve', protocol: 'udp', port: 1701 });
  two.command(echo({ echo: 'again', port: 1701, fromPort: 1701 }));
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'udp-echo-answered', echo: 'again' });
});

test('as many as are wanted, at their interval', () => {
  const two = new TwoPrograms().command(echo({ count: 3 })).until(5000);
  expect(two.told.client.map(({ kind }) => kind)).toEqual(['udp-echo-sent', 'udp-echo-answered', 'udp-echo-sent', 'udp-echo-answered', 'udp-echo-sent', 'udp-echo-answered']);
  expect(two.client.nextWake()).toBeUndefined();
});

describe('a wrong checksum', () => {
  test('is dropped by whoever is to verify it, in either direction', () => {
    for (const from of [here, there]) {
      const two = new TwoPrograms({ carry: (packet, sender) => (sender === from ? bent(packet) : packet) }).command(echo()).until(3000);
      const receiver = from === here ? two.told.server : two.told.client;
      expect(receiver.filter(({ kind }) => kind === 'drop')).toMatchObject([{ reason: 'inner-checksum' }]);
      expect(two.told.client.at(-1)).toMatchObject({ kind: 'udp-echo-lost' });
    }
  });

  test('does not matter where ESP vouches for it', () => {
    const two = new TwoPrograms({ carry: bent, checksum: 'trusted' }).command(echo());
    // bent there and back: the last octet is itself again
    expect(two.told.client.at(-1)).toMatchObject({ kind: 'udp-echo-answered' });
  });
});

test('what was asked by somebody else is no answer, and does not pass in silence', () => {
  const two = new TwoPrograms().command(echo({ fromPort: 1701, port: 1701 }));
  const stray = encodeUdpPacket({ address: there, port: 1701 }, { address: here, port: 1701 }, utf8('echo of-carol #1 .....'), 'computed');
  expect(two.client.take(two.now, stray, 'to be verified')).toBe(true);
  two.settle();
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'drop', reason: 'no-listener', detail: 'nobody here has asked 198.51.100.2 for this: "echo of-carol #1"' });
});

test('a port that nobody has is left to the host', () => {
  const two = new TwoPrograms();
  const packet = encodeUdpPacket({ address: there, port: 9 }, { address: here, port: 9 }, utf8('hi'), 'computed');
  expect(two.client.take(two.now, packet, 'to be verified')).toBe(false);
});

test('over IPv6 as over IPv4', () => {
  const [left, right] = [ip('2001:db8::1'), ip('2001:db8::2')];
  const two = new TwoPrograms({}, [left, right]).command(echo({ to: right }));
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'udp-echo-answered', from: { address: left } });
});

test('without an address to speak from it is lost at once', () => {
  const two = new TwoPrograms({}, [undefined as never, there]).command(echo());
  expect(two.told.client).toMatchObject([{ kind: 'udp-echo-lost', why: 'this host has no address to speak from' }]);
});
