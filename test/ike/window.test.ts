import { expect, test } from 'vitest';
import { established, minutes, pair, seconds, type Datagram } from '../support/pair.ts';

const nothing = (): readonly Datagram[] => [];

test('a request without an answer goes out again at 4, 11.2, 24.2, 47.5 and 89.5 s, bit for bit, and then the peer is given up', () => {
  const two = pair();
  two.link = nothing;
  two.initiate().pass(minutes(5));
  const times = two.alice.said.flatMap(({ at, event }) => (event.kind === 'ike-message' ? [Math.round(at / 100) / 10] : []));
  expect(times).toEqual([0, 4, 11.2, 24.2, 47.5, 89.5]); // as strongSwan 5.9.8 was measured with the same first wait, factor and tries
  expect(two.wire.every(({ payload }) => Buffer.compare(payload, two.wire[0]!.payload) === 0)).toBe(true);
  expect(two.alice.states()).toEqual(['connecting', 'failed']);
  expect(two.alice.said.at(-1)!.at).toBeCloseTo(165_056, -2);
  expect(two.alice.daemon.nextWake()).toBeUndefined();
});

test.each([0, 1, 2, 3])('message %i is lost once: its sender, or the one who waits for it, repeats the same octets and the tunnel comes up', (lost) => {
  const two = pair({ nat: 'initiator' });
  two.link = (datagram) => (two.wire.indexOf(datagram) === lost ? [] : [datagram]);
  two.initiate().settle();
  expect(two.alice.states()).toEqual(['connecting']);
  two.pass(seconds(5));
  expect(two.alice.states()).toEqual(['connecting', 'established']);
  const copies = two.wire.filter(({ payload }) => Buffer.compare(payload, two.wire[lost]!.payload) === 0);
  expect(copies).toHaveLength(2);
  expect(two.gw.stack.size).toBe(2);
});

test('a request that comes again is answered with the same octets, to where it came from, and done once', () => {
  const two = established({ nat: 'initiator' });
  const [request, answer] = [two.wire[2]!, two.wire[3]!];
  const elsewhere = { address: two.alice.config.connections[0]!.remote as never, port: 40_000 };
  two.deliver('gw', elsewhere, { address: two.gw.config.address, port: 4500 }, request.payload);
  expect(two.wire.at(-1)).toEqual({ from: 'gw', source: { address: two.gw.config.address, port: 4500 }, destination: elsewhere, payload: answer.payload });
  expect(two.gw.states()).toEqual(['connecting', 'established']);
  expect(two.gw.events('peer-moved')).toEqual([]);
  expect(two.gw.events('ike-message').at(-1)).toMatchObject({ retransmission: 1 });
});

test('an answer that comes twice is dropped the second time', () => {
  const two = established();
  const { source, destination, payload } = two.wire[3]!;
  two.deliver('alice', source, destination, payload);
  expect(two.alice.drops()).toEqual(['ike-unexpected-response']);
});

test('a request of long ago is dropped', () => {
  const two = established();
  two.command('alice', { kind: 'probe', connection: 'tunnel' }).settle();
  two.command('alice', { kind: 'probe', connection: 'tunnel' }).settle();
  const { source, destination, payload } = two.wire[4]!;
  const before = two.wire.length;
  two.deliver('gw', source, destination, payload);
  expect(two.gw.drops()).toEqual(['ike-message-id']);
  expect(two.wire).toHaveLength(before);
});

test('the second request waits for the answer to the first', () => {
  const two = established();
  const before = two.wire.length;
  two.command('alice', { kind: 'probe', connection: 'tunnel' }).command('alice', { kind: 'probe', connection: 'tunnel' });
  expect(two.wire).toHaveLength(before + 1);
  two.settle();
  expect(two.wire).toHaveLength(before + 4);
});

test('another message under the ID of the last request is not it, and gets no answer', () => {
  const two = established();
  const { source, destination, payload } = two.wire[2]!;
  const other = payload.slice();
  other[other.length - 1]! ^= 1;
  two.deliver('gw', source, destination, other);
  expect(two.gw.drops()).toEqual(['ike-message-id']);
  expect(two.wire).toHaveLength(4);
});

test('a road warrior whom nobody answers begins anew for ever, each time with other SPIs', () => {
  const two = pair({ alice: { keyingTries: 'forever' } });
  two.link = nothing;
  two.initiate().pass(minutes(6));
  expect(two.alice.states()).toEqual(['connecting', 'failed', 'connecting', 'failed', 'connecting']);
  expect(new Set(two.wire.map(({ payload }) => Buffer.from(payload.subarray(0, 8)).toString('hex'))).size).toBe(3);
  two.link = (datagram) => [datagram];
  two.pass(minutes(3));
  expect(two.alice.states().at(-1)).toBe('established');
});
