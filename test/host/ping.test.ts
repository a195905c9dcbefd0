import { expect, test } from 'vitest';
import { ip, type IpAddress } from '../../src/core/address.ts';
import { fromUtf8 } from '../../src/core/bytes.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { seconds, start, type Instant } from '../../src/core/time.ts';
import { Pings, type PingCommand } from '../../src/host/ping.ts';
import type { ProgramOutput } from '../../src/host/services.ts';
import { decodeIcmpOf, encodeEchoPacket } from '../../src/wire/echo.ts';
import { encodeIcmp, type IcmpEcho } from '../../src/wire/icmp.ts';
import { encodeIcmpv6 } from '../../src/wire/icmpv6.ts';
import { decodeIp, encodeIp, type IpPacket } from '../../src/wire/ip.ts';

const here = ip('10.98.0.1');
const there = ip('10.99.0.9');
const at = (n: number): Instant => n as Instant;

const pings = (addresses: readonly IpAddress[] = [here]): Pings => new Pings((to) => addresses.find((address) => address.includes(':') === to.includes(':')), seeded(1));
const command = (more: Partial<PingCommand> = {}): PingCommand => ({ kind: 'ping', ping: 'hello', to: there, count: 1, interval: seconds(1), timeout: seconds(2), ...more });

const packets = (outputs: readonly ProgramOutput[]): Uint8Array[] => outputs.flatMap((output) => (output.kind === 'packet' ? [output.packet] : []));
const events = (outputs: readonly ProgramOutput[]): object[] => outputs.flatMap((output) => (output.kind === 'event' ? [output.event] : []));

function read(bytes: Uint8Array): { packet: IpPacket; echo: IcmpEcho } {
  const packet = decodeIp(bytes);
  if (!packet.ok) throw new Error(packet.detail);
  const message = decodeIcmpOf(packet.value);
  if (!message.ok || (message.value.kind !== 'echo-request' && message.value.kind !== 'echo-reply')) throw new Error('no echo');
  return { packet: packet.value, echo: message.value };
}

function answerTo(request: Uint8Array, changes: Partial<IcmpEcho> & { from?: IpAddress } = {}): Uint8Array {
  const { packet, echo } = read(request);
  const { from = packet.destination, ...rest } = changes;
  return encodeEchoPacket({ source: from, destination: packet.source }, { ...echo, kind: 'echo-reply', ...rest });
}

test('a ping sends an echo request that bears its name, and its answer tells how long it took', () => {
  const machine = pings();
  machine.handle(start, command());
  const sent = drain(machine);
  const [request] = packets(sent);
  expect(fromUtf8(read(request!).echo.data)).toMatch(/^ping hello #1 \.+$/);
  expect(read(request!).echo.data.length).toBe(56);
  expect(machine.take(at(35), answerTo(request!))).toBe(true);
  expect(events([...sent, ...drain(machine)])).toEqual([
    { kind: 'ping-sent', ping: 'hello', from: here, to: there, sequence: 1 },
    { kind: 'ping-answered', ping: 'hello', from: here, to: there, sequence: 1, roundTrip: 35 },
  ]);
  expect(machine.nextWake()).toBeUndefined();
});

test('requests follow one another in the interval; one that nobody answers is lost at its timeout', () => {
  const machine = pings();
  machine.handle(start, command({ count: 3 }));
  const log: unknown[] = [];
  drain(machine);
  for (let next = machine.nextWake(); next !== undefined; next = machine.nextWake()) {
    machine.wake(next.at);
    for (const event of events(drain(machine))) log.push([next.at, (event as { kind: string }).kind, (event as { sequence: number }).sequence]);
  }
  expect(log).toEqual([
    [1000, 'ping-sent', 2],
    [2000, 'ping-lost', 1],
    [2000, 'ping-sent', 3],
    [3000, 'ping-lost', 2],
    [4000, 'ping-lost', 3],
  ]);
});

test('two runs have two identifiers and are told apart', () => {
  const machine = pings();
  machine.handle(start, command({ ping: 'one' }));
  machine.handle(start, command({ ping: 'two' }));
  const [one, two] = packets(drain(machine));
  expect(read(one!).echo.identifier).not.toBe(read(two!).echo.identifier);
  machine.take(at(1), answerTo(two!));
  expect(events(drain(machine))).toMatchObject([{ kind: 'ping-answered', ping: 'two' }]);
});

test.each<[string, Parameters<typeof answerTo>[1]]>([
  ['with another identifier', { identifier: 1 }],
  ['to a request that was not sent', { sequence: 2 }],
  ['with other data', { data: Uint8Array.of(1) }],
  ['from somebody else', { from: ip('10.99.0.10') }],
])('an answer %s is none of ours', (_, changes) => {
  const machine = pings();
  machine.handle(start, command());
  const [request] = packets(drain(machine));
  expect(machine.take(at(1), answerTo(request!, changes))).toBe(false);
  expect(drain(machine)).toEqual([]);
});

test('a second answer to the same request is none of ours', () => {
  const machine = pings();
  machine.handle(start, command());
  const [request] = packets(drain(machine));
  expect([machine.take(at(1), answerTo(request!)), machine.take(at(2), answerTo(request!))]).toEqual([true, false]);
});

test('an ICMP error about a request ends it at once and says who said so', () => {
  const machine = pings();
  machine.handle(start, command());
  const [request] = packets(drain(machine));
  const error = encodeIp({ source: ip('192.0.2.1'), destination: here, protocol: 1, payload: encodeIcmp({ kind: 'unreachable', code: 1, quoted: request! }) });
  expect(machine.take(at(5), error)).toBe(true);
  expect(events(drain(machine))).toMatchObject([{ kind: 'ping-lost', sequence: 1, why: '192.0.2.1 says: unreachable' }]);
});

test('over IPv6 it is ICMPv6', () => {
  const [mine, other] = [ip('2001:db8::1'), ip('2001:db8:1::9')];
  const machine = pings([here, mine]);
  machine.handle(start, command({ to: other }));
  const [request] = packets(drain(machine));
  expect(read(request!).packet).toMatchObject({ version: 6, source: mine, destination: other, protocol: 58 });
  expect(machine.take(at(1), answerTo(request!))).toBe(true);

  machine.handle(at(2), command({ to: other }));
  const [second] = packets(drain(machine));
  const addresses = { source: other, destination: mine };
  const error = encodeIp({ ...addresses, protocol: 58, payload: encodeIcmpv6({ kind: 'unreachable', code: 3, quoted: second! }, addresses) });
  expect(machine.take(at(3), error)).toBe(true);
});

test('a host without an address of that version cannot ping there, and says so', () => {
  const machine = pings([here]);
  machine.handle(start, command({ to: ip('2001:db8::9') }));
  expect(drain(machine)).toEqual([{ kind: 'event', event: { kind: 'ping-lost', ping: 'hello', from: '::', to: '2001:db8::9', sequence: 1, why: 'this host has no address to speak from' } }]);
});

test('the size is that of the data, and names that do not fit are cut', () => {
  const machine = pings();
  for (const size of [0, 5, 1200]) machine.handle(start, command({ size }));
  expect(packets(drain(machine)).map((packet) => read(packet).echo.data.length)).toEqual([0, 5, 1200]);
});

test('bytes that are no packet are none of ours', () => {
  const machine = pings();
  machine.handle(start, command());
  drain(machine);
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0x45), new Uint8Array(40)]) expect(machine.take(at(1), bytes)).toBe(false);
});
