import { expect, test } from 'vitest';
import { ip, prefix } from '../../src/core/address.ts';
import { drain, type Machine, type WakeUp } from '../../src/core/machine.ts';
import { Queue } from '../../src/core/queue.ts';
import { seeded } from '../../src/core/random.ts';
import { seconds, start, type Instant } from '../../src/core/time.ts';
import { Endpoint } from '../../src/host/endpoint.ts';
import type { EndpointConfig, EndpointInput } from '../../src/host/ports.ts';
import type { IkeInput, IkeOutput } from '../../src/ike/ports.ts';
import type { StackInput, StackOutput } from '../../src/ipsec/ports.ts';
import { encodeEchoPacket } from '../../src/wire/echo.ts';
import { decodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIp, type IpPacket } from '../../src/wire/ip.ts';
import { endpoint as address, stubEndpoint } from '../support/worlds.ts';

/** A part that says what the test has prepared and remembers what it was told; it insists on being drained before it is told more. */
class Part<Input, Output> implements Machine<Input, Output> {
  readonly told: Input[] = [];
  readonly says = new Queue<Output>();
  wakeAt: Instant | undefined;
  answer: (input: Input) => Output | undefined = () => undefined;

  handle(_: Instant, input: Input): void {
    expect(this.says.length, 'undrained outputs when told something new').toBe(0);
    this.told.push(input);
    const answer = this.answer(input);
    if (answer !== undefined) this.says.push(answer);
  }

  wake(): void {
    this.wakeAt = undefined;
  }

  poll(): Output | undefined {
    return this.says.shift();
  }

  nextWake(): WakeUp | undefined {
    return this.wakeAt === undefined ? undefined : { at: this.wakeAt, reason: 'because' };
  }
}

const local = address('192.168.1.2', 4500);
const peer = address('203.0.113.5', 4500);
const bytes = Uint8Array.of(1, 2, 3);
const pingTo = (to: string): EndpointInput => ({ kind: 'command', command: { kind: 'ping', ping: 'hi', to: ip(to), count: 1, interval: seconds(1), timeout: seconds(1) } });
const ping = pingTo('10.99.0.9');

interface Parts {
  readonly daemon: Part<IkeInput, IkeOutput>;
  readonly stack: Part<StackInput, StackOutput>;
  /** Made when everything is prepared. */
  readonly make: (innerAddress?: string) => Endpoint;
}

function parts(more: Partial<EndpointConfig> = {}): Parts {
  const daemon = new Part<IkeInput, IkeOutput>();
  const stack = new Part<StackInput, StackOutput>();
  const config = { ...stubEndpoint('alice', '192.168.1.2'), ...more };
  return { daemon, stack, make: (inner) => new Endpoint(inner === undefined ? config : { ...config, innerAddress: ip(inner) }, { daemon, stack }, seeded(1)) };
}

/** The inner packet that the stack was handed last. */
function outbound(stack: Part<StackInput, StackOutput>): IpPacket {
  const last = stack.told.at(-1);
  const packet = last?.kind === 'outbound' ? decodeIp(last.packet) : undefined;
  if (!packet?.ok) throw new Error('no packet for the stack');
  return packet.value;
}

test('a datagram goes to the stack first; IKE in it goes up to the daemon', () => {
  const { daemon, stack, make } = parts();
  stack.answer = (input) => (input.kind === 'datagram' ? { ...input, kind: 'datagram-up' } : undefined);
  make().handle(start, { kind: 'datagram', local, peer, payload: bytes });
  expect(stack.told).toEqual([{ kind: 'datagram', local, peer, payload: bytes }]);
  expect(daemon.told).toEqual([{ kind: 'datagram', local, peer, payload: bytes }]);
});

test('what the daemon sends has a UDP checksum, ESP in UDP has none (RFC 3948 §2.1)', () => {
  const { daemon, stack, make } = parts();
  daemon.says.push({ kind: 'datagram', local, peer, payload: bytes });
  stack.answer = (input) => (input.kind === 'datagram-down' ? input : undefined);
  stack.says.push({ kind: 'datagram', local, peer, payload: bytes });
  expect(drain(make()).flatMap((output) => (output.kind === 'datagram' ? [output.checksum] : [])).sort()).toEqual(['computed', 'zero']);
  expect(stack.told).toContainEqual({ kind: 'datagram-down', local, peer, payload: bytes });
});

test.each([
  ['over IPv6 it is computed, as RFC 8200 §8.1 wants it', undefined, '2001:db8::1', 'computed'],
  ['unless somebody is told to leave it out', 'zero', '2001:db8::1', 'zero'],
  ['or to compute it over IPv4', 'computed', '192.0.2.7', 'computed'],
] as const)('the UDP checksum around ESP: %s', (_, udpChecksum, address, checksum) => {
  const { stack, make } = parts({ ...(udpChecksum && { udpChecksum }) });
  stack.says.push({ kind: 'datagram', local: { ...local, address: ip(address) }, peer: { ...peer, address: ip(address) }, payload: bytes });
  expect(drain(make()).flatMap((output) => (output.kind === 'datagram' ? [output.checksum] : []))).toEqual([checksum]);
});

test('PF_KEY messages pass between daemon and stack and are told by name, with their errno', () => {
  const { daemon, stack, make } = parts();
  const add = Uint8Array.of(2, 3, 0, 3, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9);
  const refusedAdd = Uint8Array.from(add, (octet, i) => (i === 2 ? 17 : octet));
  daemon.says.push({ kind: 'pfkey', message: add });
  stack.answer = (input) => (input.kind === 'pfkey' ? { kind: 'pfkey', message: refusedAdd } : undefined);
  expect(drain(make())).toEqual([
    { kind: 'event', layer: 'pfkey', body: { kind: 'pfkey', direction: 'to-stack', type: 'SADB_ADD', errno: 0, bytes: add } },
    { kind: 'event', layer: 'pfkey', body: { kind: 'pfkey', direction: 'to-daemon', type: 'SADB_ADD', errno: 17, bytes: refusedAdd } },
  ]);
  expect(daemon.told).toEqual([{ kind: 'pfkey', message: refusedAdd }]);
});

test('a ping goes where policy says, like any inner packet; its answer out of the tunnel is taken before the host sees it', () => {
  const { stack, make } = parts();
  const machine = make('10.98.0.1');
  machine.handle(start, ping);
  drain(machine);
  const request = outbound(stack);
  expect(request.source).toBe('10.98.0.1');
  const echo = decodeIcmp(request.payload);
  if (!echo.ok || echo.value.kind !== 'echo-request') throw new Error('no echo request');
  const reply = encodeEchoPacket({ source: request.destination, destination: request.source }, { ...echo.value, kind: 'echo-reply' });
  stack.answer = (input) => (input.kind === 'esp' ? { kind: 'inbound', packet: reply, mode: 'tunnel', checksum: 'to be verified' } : undefined);
  machine.handle(start, { kind: 'esp', source: peer.address, destination: local.address, payload: bytes });
  expect(drain(machine).map((output) => output.kind === 'event' && output.body.kind)).toEqual(['ping-answered']);
});

test('what comes out of the tunnel and is no answer to a ping is the host’s', () => {
  const { stack, make } = parts();
  const packet = encodeEchoPacket({ source: ip('10.99.0.9'), destination: ip('10.98.0.1') }, { kind: 'echo-request', identifier: 1, sequence: 1, data: bytes });
  stack.says.push({ kind: 'inbound', packet, mode: 'tunnel', checksum: 'to be verified' });
  expect(drain(make())).toEqual([{ kind: 'inner', packet }]);
});

const networks = [prefix('10.99.0.0/24')];

test('with a virtual address, what is not reached by it goes out from the outer one, in the clear', () => {
  const { daemon, make } = parts();
  const machine = make();
  daemon.says.push({ kind: 'virtual-address', address: ip('10.98.0.7'), networks, assigned: true });
  machine.wake(start);
  drain(machine);
  machine.handle(start, pingTo('203.0.113.80'));
  const said = drain(machine);
  const packets = said.flatMap((output) => (output.kind === 'bypass' ? [decodeIp(output.packet)] : []));
  expect(packets).toMatchObject([{ ok: true, value: { source: '192.168.1.2', destination: '203.0.113.80' } }]);
  expect(said.flatMap((output) => (output.kind === 'event' && output.body.kind === 'inner' ? [output.body.direction] : []))).toEqual(['bypassed']);
});

test('programs speak from the virtual address as long as it is assigned', () => {
  const { daemon, stack, make } = parts();
  const machine = make();
  const assign = (assigned: boolean): void => {
    daemon.says.push({ kind: 'virtual-address', address: ip('10.98.0.7'), networks, assigned });
    machine.wake(start);
    expect(drain(machine)).toEqual([{ kind: 'virtual-address', address: '10.98.0.7', networks, assigned }]);
  };
  const source = (): string => {
    machine.handle(start, ping);
    drain(machine);
    return outbound(stack).source;
  };
  expect(source()).toBe('192.168.1.2');
  assign(true);
  expect(source()).toBe('10.98.0.7');
  assign(false);
  expect(source()).toBe('192.168.1.2');
});

test('it wakes when the first of its parts wants to', () => {
  const { daemon, stack, make } = parts();
  const machine = make();
  expect(machine.nextWake()).toBeUndefined();
  daemon.wakeAt = 30 as Instant;
  stack.wakeAt = 20 as Instant;
  expect(machine.nextWake()?.at).toBe(20);
  stack.wakeAt = undefined;
  expect(machine.nextWake()?.at).toBe(30);
});

test('events of the parts are told under their layers', () => {
  const { daemon, stack, make } = parts();
  daemon.says.push({ kind: 'event', event: { kind: 'command-refused', command: 'initiate', why: 'because' } });
  stack.says.push({ kind: 'event', event: { kind: 'drop', reason: 'esp-replay', detail: 'old' } });
  stack.says.push({ kind: 'event', event: { kind: 'inner', direction: 'protected', spi: 1, bytes } });
  expect(new Set(drain(make()).map((output) => output.kind === 'event' && `${output.layer}: ${output.body.kind}`))).toEqual(new Set(['ike: command-refused', 'esp: drop', 'inner: inner']));
});

test('who dumps by a socket of his own gets the answers, and the daemon hears nothing of it', () => {
  const { daemon, stack, make } = parts();
  stack.answer = (input) => (input.kind === 'pfkey' ? { kind: 'pfkey', message: input.message } : undefined);
  const machine = make();
  machine.handle(start, { kind: 'command', command: { kind: 'setkey' } });
  expect(drain(machine).flatMap((output) => (output.kind === 'event' && output.body.kind === 'pfkey' ? [`${output.body.direction} ${output.body.type}`] : []))).toEqual(['to-setkey SADB_DUMP', 'to-setkey SADB_X_SPDDUMP']);
  expect(daemon.told).toEqual([]);
});
