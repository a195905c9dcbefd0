import { expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { milliseconds, start, type Instant } from '../../src/core/time.ts';
import { impairments } from '../../src/sim/impairment.ts';
import type { Impairment } from '../../src/sim/plan.ts';
import { Segment, type Frame, type SegmentOutput } from '../../src/sim/segment.ts';

const alice = { node: 'alice', interface: 'eth0' };
const bob = { node: 'bob', interface: 'eth0' };
const at = (n: number): Instant => n as Instant;

function segment(impairment: Impairment, seed = 1): Segment {
  return new Segment({ name: 'wire', prefix: prefix('192.0.2.0/24'), mtu: 1500, impairment }, seeded(seed));
}

const frame = (number: number, from = alice, length = 100): Frame => {
  const packet = new Uint8Array(length);
  packet[0] = number >> 8;
  packet[1] = number;
  return { from, to: bob, packet, cause: number };
};

const numberOf = ({ packet }: Frame): number => (packet[0]! << 8) | packet[1]!;

/** One packet a millisecond, until all have arrived: the numbers in the order of arrival, and what the link did. */
function send(link: Segment, count: number, from = alice): { arrived: number[]; did: string[] } {
  const outputs: SegmentOutput[] = [];
  for (let now = 0; now < count + 200; now++) {
    link.wake(at(now));
    outputs.push(...drain(link));
    if (now < count) link.handle(at(now), { kind: 'frame', frame: frame(now, from) });
    outputs.push(...drain(link));
  }
  return {
    arrived: outputs.flatMap((output) => (output.kind === 'deliver' ? [numberOf(output.frame)] : [])),
    did: outputs.flatMap((output) => (output.kind === 'event' ? [output.event.how] : [])),
  };
}

const inOrder = (numbers: readonly number[]): boolean => numbers.every((number, i) => i === 0 || number > numbers[i - 1]!);

test('a packet arrives after the latency, not before', () => {
  const link = segment({ ...impairments.perfect, latency: milliseconds(10) });
  link.handle(start, { kind: 'frame', frame: frame(7) });
  expect(link.nextWake()?.at).toBe(10);
  link.wake(at(9.9));
  expect(drain(link)).toEqual([]);
  link.wake(at(10));
  expect(drain(link)).toEqual([{ kind: 'deliver', frame: frame(7) }]);
  expect(link.nextWake()).toBeUndefined();
});

test('packets sent at the same instant arrive in the order in which they were sent', () => {
  const link = segment(impairments.lan);
  for (let i = 0; i < 50; i++) link.handle(start, { kind: 'frame', frame: frame(i) });
  link.wake(at(1));
  expect(drain(link).map((output) => output.kind === 'deliver' && numberOf(output.frame))).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('the bytes that arrive are the very bytes that were sent', () => {
  const link = segment(impairments.perfect);
  const sent = frame(1);
  link.handle(start, { kind: 'frame', frame: sent });
  link.wake(start);
  const [output] = drain(link);
  expect(output?.kind === 'deliver' && output.frame.packet).toBe(sent.packet);
});

test('a lossy link loses the share that it should, and says which', () => {
  const { arrived, did } = send(segment({ ...impairments.wan, loss: 0.05 }), 10_000);
  expect(arrived.length + did.length).toBe(10_000);
  expect(did.every((how) => how === 'lost')).toBe(true);
  expect(did.length).toBeGreaterThan(400); // 500 expected, standard deviation 22
  expect(did.length).toBeLessThan(600);
  expect(inOrder(arrived)).toBe(true);
});

test('a duplicating link delivers a third of the packets twice', () => {
  const { arrived, did } = send(segment(impairments.duplicating), 9_000);
  expect(arrived.length).toBe(9_000 + did.length);
  expect(new Set(arrived).size).toBe(9_000);
  expect(did.length).toBeGreaterThan(2_800); // 3,000 expected, standard deviation 45
  expect(did.length).toBeLessThan(3_200);
});

test('on a reordering link later packets overtake the held-back ones; none is lost', () => {
  const { arrived, did } = send(segment(impairments.reordering), 3_000);
  expect(new Set(arrived).size).toBe(3_000);
  expect(arrived.length).toBe(3_000);
  expect(inOrder(arrived)).toBe(false);
  expect(did.length).toBeGreaterThan(900);
  expect(did.length).toBeLessThan(1_100);
  const places = arrived.map((number, place) => place - number);
  expect(Math.max(...places)).toBeLessThanOrEqual(30); // held back 30 ms, one packet a millisecond
});

test('jitter spreads the arrival evenly around the latency', () => {
  const link = segment({ ...impairments.perfect, latency: milliseconds(10), jitter: milliseconds(4) });
  const times = Array.from({ length: 1000 }, (_, i) => {
    link.handle(start, { kind: 'frame', frame: frame(i) });
    const due = link.nextWake()!.at;
    link.wake(due);
    drain(link);
    return due;
  });
  expect(Math.min(...times)).toBeGreaterThanOrEqual(6);
  expect(Math.max(...times)).toBeLessThanOrEqual(14);
  expect(times.reduce((sum, time) => sum + time, 0) / 1000).toBeCloseTo(10, 0);
});

test('the same seed has the same luck, another seed another', () => {
  const luck = (seed: number): unknown => send(segment(impairments.hostile, seed), 500);
  expect(luck(3)).toEqual(luck(3));
  expect(luck(3)).not.toEqual(luck(4));
});

test('what one station sends does not change the luck of another', () => {
  const alone = send(segment(impairments.lossy), 300).arrived;
  const link = segment(impairments.lossy);
  const outputs: SegmentOutput[] = [];
  for (let now = 0; now < 500; now++) {
    link.wake(at(now));
    if (now < 300) link.handle(at(now), { kind: 'frame', frame: frame(now) });
    if (now < 300) link.handle(at(now), { kind: 'frame', frame: frame(now, { node: 'carol', interface: 'eth0' }) });
    outputs.push(...drain(link));
  }
  const fromAlice = outputs.flatMap((output) => (output.kind === 'deliver' && output.frame.from === alice ? [numberOf(output.frame)] : []));
  expect(fromAlice).toEqual(alone);
});

test('a link that goes down loses what is under way and what is sent later, and works again when it comes up', () => {
  const link = segment(impairments.wan);
  link.handle(start, { kind: 'frame', frame: frame(1) });
  link.handle(at(1), { kind: 'down' });
  link.handle(at(2), { kind: 'frame', frame: frame(2) });
  link.wake(at(50));
  expect(drain(link).map((output) => output.kind === 'event' && [output.event.how, output.frame.cause])).toEqual([['down', 1], ['down', 2]]);
  link.handle(at(60), { kind: 'up' });
  link.handle(at(60), { kind: 'frame', frame: frame(3) });
  link.wake(at(70));
  expect(drain(link)).toEqual([{ kind: 'deliver', frame: frame(3) }]);
});

test('a packet larger than what the link carries vanishes in it: a black hole', () => {
  const link = segment(impairments.perfect);
  link.handle(start, { kind: 'mtu', mtu: 99 });
  link.handle(start, { kind: 'frame', frame: frame(1) });
  link.handle(start, { kind: 'frame', frame: frame(2, alice, 99) });
  link.wake(start);
  expect(drain(link).map((output) => (output.kind === 'event' ? output.event.how : numberOf(output.frame)))).toEqual(['too-big', 2]);
});

test('an address is found where it was attached, and nowhere after it was detached', () => {
  const link = segment(impairments.perfect);
  link.attach(ip('192.0.2.1'), alice);
  expect(link.neighbour(ip('192.0.2.1'))).toBe(alice);
  expect(link.neighbour(ip('192.0.2.2'))).toBeUndefined();
  link.detach(ip('192.0.2.1'));
  expect(link.neighbour(ip('192.0.2.1'))).toBeUndefined();
});
