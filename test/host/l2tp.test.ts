/** L2TP's control connection between two hosts: RFC 2661 §5.1 (opening), §5.5 (HELLO), §5.8 (acknowledgement, retransmission). */
import { expect, test } from 'vitest';
import type { ProgramCommand } from '../../src/host/ports.ts';
import { encodeUdpPacket } from '../../src/wire/ip.ts';
import { decodeIpv4 } from '../../src/wire/ipv4.ts';
import { decodeL2tp, encodeL2tp, type L2tpControl } from '../../src/wire/l2tp.ts';
import { here, there, TwoPrograms, type Path } from './two-programs.ts';

const command = (request: 'open' | 'hello', more: Partial<Extract<ProgramCommand, { kind: 'l2tp' }>> = {}): ProgramCommand => ({ kind: 'l2tp', l2tp: request, request, hostName: 'pc', to: there, ...more });
type Opening = Extract<L2tpControl, { type: 'SCCRQ' | 'SCCRP' }>;

const client = { address: here, port: 1701 };
const server = { address: there, port: 1701 };

function served(path: Path = {}): TwoPrograms {
  const two = new TwoPrograms(path);
  two.server.handle(two.now, { kind: 'serve', protocol: 'l2tp', port: 1701 });
  return two;
}

const messages = (packets: readonly Uint8Array[]): L2tpControl[] =>
  packets.map((packet) => {
    const ip = decodeIpv4(packet);
    const message = ip.ok ? decodeL2tp(ip.value.payload.subarray(8)) : ip;
    if (!message.ok) throw new Error(message.detail);
    return message.value;
  });
const line = ({ type, ns, nr }: L2tpControl): string => `${type} ${ns} ${nr}`;

test('SCCRQ, SCCRP, SCCCN, and an acknowledgement of nothing but a header', () => {
  const two = served().command(command('open'));
  const said = messages(two.sent);
  expect(said.map(line)).toEqual(['SCCRQ 0 0', 'SCCRP 0 1', 'SCCCN 1 1', 'ZLB 1 2']);
  const [request, reply] = said as [Opening, Opening];
  expect(said.map(({ tunnelId }) => tunnelId)).toEqual([0, request.assignedTunnelId, reply.assignedTunnelId, request.assignedTunnelId]);
  expect(request.hostName).toBe('pc');
  expect(two.told).toEqual({
    client: [{ kind: 'l2tp-sent', l2tp: 'open', message: 'SCCRQ', from: client, to: server }, { kind: 'l2tp-answered', l2tp: 'open', message: 'SCCRQ', from: client, to: server, roundTrip: 0 }],
    server: [{ kind: 'l2tp-heard', message: 'SCCRQ', hostName: 'pc', from: client, to: server }],
  });
  expect([two.client.nextWake(), two.server.nextWake()]).toEqual([undefined, undefined]);
});

test('HELLO is acknowledged, with the next number each time', () => {
  const two = served().command(command('open')).command(command('hello')).command(command('hello', { l2tp: 'again' }));
  expect(messages(two.sent).slice(4).map(line)).toEqual(['HELLO 2 1', 'ZLB 1 3', 'HELLO 3 1', 'ZLB 1 4']);
  expect(two.told.client.filter(({ kind }) => kind === 'l2tp-answered')).toMatchObject([{ l2tp: 'open' }, { l2tp: 'hello' }, { l2tp: 'again' }]);
  expect(two.told.server.at(-1)).toEqual({ kind: 'l2tp-heard', message: 'HELLO', hostName: 'pc', from: client, to: server });
});

test('from a port of its own, and answered there', () => {
  const two = served().command(command('open', { fromPort: 50_000 })).command(command('hello', { fromPort: 50_000 }));
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'l2tp-answered', message: 'HELLO', from: { address: here, port: 50_000 } });
});

test('what is not acknowledged is sent again after 1 s, 2 s, 4 s and 8 s, and given up after the fifth time', () => {
  const two = served({ carry: (packet, from) => (from === there ? undefined : packet) });
  const at: number[] = [];
  two.command(command('open'));
  for (let sent = two.sent.length; two.client.nextWake() !== undefined; ) {
    two.until(two.client.nextWake()!.at);
    if (messages(two.sent.slice(sent)).some(({ type }) => type === 'SCCRQ')) at.push(two.now);
    sent = two.sent.length;
  }
  expect(at).toEqual([1000, 3000, 7000, 15_000, 23_000]);
  expect(two.now).toBe(31_000);
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'l2tp-lost', l2tp: 'open', why: 'SCCRQ was sent 6 times, and not acknowledged' });
  expect(two.told.server.filter(({ kind }) => kind === 'l2tp-heard')).toHaveLength(6);
});

test('a request that comes twice makes one connection, and is answered twice alike', () => {
  const two = served({ carry: (packet, from) => (from === there && messages(two.sent).filter(({ type }) => type === 'SCCRP').length < 2 ? undefined : packet) });
  two.command(command('open')).until(1500);
  const replies = messages(two.sent).filter(({ type }) => type === 'SCCRP');
  expect(replies).toHaveLength(2);
  expect(replies[0]).toEqual(replies[1]);
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'l2tp-answered' });
});

test('a HELLO whose acknowledgement was lost is acknowledged once more', () => {
  let lose = false;
  const two = served({ carry: (packet, from) => (lose && from === there ? undefined : packet) }).command(command('open'));
  lose = true;
  two.command(command('hello'));
  lose = false;
  two.until(2000);
  expect(messages(two.sent).slice(4).map(line)).toEqual(['HELLO 2 1', 'ZLB 1 3', 'HELLO 2 1', 'ZLB 1 3']);
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'l2tp-answered', message: 'HELLO' });
});

test('what is for a tunnel of nobody here is dropped, and says whose it is not', () => {
  const two = served().command(command('open'));
  two.client.take(two.now, encodeUdpPacket(server, client, encodeL2tp({ type: 'ZLB', tunnelId: 0xbeef, ns: 1, nr: 2 }), 'computed'), 'to be verified');
  two.settle();
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'drop', reason: 'no-listener', detail: 'ZLB from 198.51.100.2:1701 for the L2TP tunnel 48879, which is none of this host\'s' });
});

test.each([
  ['a tunnel that somebody else speaks for', 'no-listener', { address: there, port: 9 }, (tunnelId: number): L2tpControl => ({ type: 'ZLB', tunnelId, ns: 1, nr: 2 })],
  ['SCCCN for a client', 'l2tp-unexpected', server, (tunnelId: number): L2tpControl => ({ type: 'SCCCN', tunnelId, ns: 1, nr: 2 })],
  ['SCCRQ for a host that is no server', 'no-listener', server, (): L2tpControl => ({ type: 'SCCRQ', tunnelId: 0, ns: 0, nr: 0, hostName: 'x', assignedTunnelId: 1 })],
])('%s is dropped and changes nothing', (_, reason, from, message) => {
  const two = served().command(command('open'));
  const { assignedTunnelId } = messages(two.sent)[0] as Opening;
  two.client.take(two.now, encodeUdpPacket(from, client, encodeL2tp(message(assignedTunnelId)), 'computed'), 'to be verified');
  two.settle();
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'drop', reason });
  two.command(command('hello'));
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'l2tp-answered' });
});

test('SCCRP once more, forged with another tunnel, does not lead the client astray', () => {
  const two = served().command(command('open'));
  const { assignedTunnelId } = messages(two.sent)[0] as Opening;
  two.client.take(two.now, encodeUdpPacket(server, client, encodeL2tp({ type: 'SCCRP', tunnelId: assignedTunnelId, ns: 0, nr: 1, hostName: 'lns', assignedTunnelId: 1 }), 'computed'), 'to be verified');
  two.settle().command(command('hello'));
  expect(two.told.client.at(-1)).toMatchObject({ kind: 'l2tp-answered' });
});

test('what is no L2TP is dropped with what is wrong with it', () => {
  const two = served().command(command('open'));
  two.server.take(two.now, encodeUdpPacket(client, server, Uint8Array.of(1, 2, 3), 'computed'), 'to be verified');
  two.settle();
  expect(two.told.server.at(-1)).toMatchObject({ kind: 'drop', reason: 'l2tp-malformed', detail: '3 octets are too few for a control message' });
});

test('HELLO without a connection is lost at once, and so is everything without an address', () => {
  expect(served().command(command('hello')).told.client).toMatchObject([{ kind: 'l2tp-lost', message: 'HELLO', why: 'there is no connection' }]);
  expect(new TwoPrograms({}, [undefined as never, there]).command(command('open')).told.client).toMatchObject([{ kind: 'l2tp-lost', why: 'this host has no address to speak from' }]);
});

test('a host that nobody has made a server leaves port 1701 to others', () => {
  const two = new TwoPrograms();
  expect(two.server.take(two.now, encodeUdpPacket(client, server, encodeL2tp({ type: 'ZLB', tunnelId: 1, ns: 0, nr: 0 }), 'computed'), 'to be verified')).toBe(false);
});
