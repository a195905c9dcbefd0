/** Who gets which outside address and port: pools, parity, neighbours, blocks, limits. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { boxWith, outside } from './lab.ts';
import { echo, udp } from './packets.ts';

const alice = '10.0.0.2';
const bob = '10.0.0.3';
const gateway = '198.51.100.1';
const other = '198.51.100.2';
const second = '203.0.113.2';

/** `203.0.113.1:500` of a packet that left, or the reason why it did not. */
const left = (passed: string): string => /^\w+ (\S+) >/.exec(passed)?.[1] ?? passed;
const portOf = (passed: string): number => Number(left(passed).split(':')[1]);
const two = { outsideAddresses: [ip(outside), ip(second)] };

describe('several outside addresses (RFC 4787 §4.1)', () => {
  test('paired: a host keeps the one that it has, the next host gets the one with the fewest hosts', () => {
    const lab = boxWith('full-cone', {}, two);
    const ports = [4500, 4501, 4502];
    expect(ports.map((port) => left(lab.out(udp(`${alice}:${port}`, `${gateway}:500`))))).toEqual(ports.map((port) => `${outside}:${port}`));
    expect(ports.map((port) => left(lab.out(udp(`${bob}:${port}`, `${gateway}:500`))))).toEqual(ports.map((port) => `${second}:${port}`));
  });
  test('paired: a host whose mappings are all gone is anybody again', () => {
    const lab = boxWith('full-cone', {}, two);
    lab.out(udp(`${alice}:1`, `${gateway}:500`));
    lab.wait(200);
    lab.out(udp(`${bob}:1`, `${gateway}:500`));
    lab.wait(100);
    expect(lab.table()).toHaveLength(1);
    lab.out(udp('10.0.0.4:1', `${gateway}:500`));
    expect(lab.table().map((row) => row.split(' ').slice(0, 2).join(' '))).toEqual([`${bob}:1 ${second}:1`, `10.0.0.4:1 ${outside}:1`]);
  });
  test('arbitrary: each new mapping has the next address, one mapping the same for every destination', () => {
    const lab = boxWith('full-cone', { pool: { pooling: 'arbitrary' } }, two);
    expect([500, 4500, 500].map((port) => left(lab.out(udp(`${alice}:${port}`, `${gateway}:500`))))).toEqual([`${outside}:500`, `${second}:4500`, `${outside}:500`]);
    expect(left(lab.out(udp(`${alice}:500`, `${other}:9`)))).toBe(`${outside}:500`);
  });
  test('arbitrary, on a box that overloads ports: a flow to another server still takes over the older one\'s endpoint', () => {
    const lab = boxWith('linux-masquerade', { pool: { pooling: 'arbitrary' } }, two);
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    expect(left(lab.out(udp(`${alice}:500`, `${other}:500`)))).toBe(`${outside}:500`);
  });
  test('500 and 4500 by two lines: one host, one server, two addresses; answers come back by the line that was asked', () => {
    const lab = boxWith('linux-masquerade', { pool: { byRemotePort: { 4500: 1 } } }, two);
    expect(left(lab.out(udp(`${alice}:500`, `${gateway}:500`)))).toBe(`${outside}:500`);
    expect(left(lab.out(udp(`${alice}:4500`, `${gateway}:4500`)))).toBe(`${second}:4500`);
    expect(lab.in(udp(`${gateway}:4500`, `${second}:4500`))).toBe(`udp ${gateway}:4500 > ${alice}:4500`);
    expect(lab.in(udp(`${gateway}:4500`, `${outside}:4500`))).toBe('nat-no-mapping');
  });
  test('where the first address has no room for a pinned port, a host without an address yet gets the other', () => {
    const lab = boxWith('passthrough-500', {}, two);
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    expect(left(lab.out(udp(`${bob}:500`, `${gateway}:500`)))).toBe(`${second}:500`);
    expect(lab.out(udp('10.0.0.4:500', `${gateway}:500`))).toBe('nat-pinned-port-taken');
  });
  test('a change of address changes the first one: who stands at the others is not touched', () => {
    const lab = boxWith('full-cone', {}, two);
    lab.out(udp(`${alice}:1`, `${gateway}:500`));
    lab.out(udp(`${bob}:1`, `${gateway}:500`));
    lab.control({ kind: 'change-address', address: ip('203.0.113.77') });
    expect(lab.table()).toEqual([`${bob}:1 ${second}:1 ${gateway}:500`]);
    expect(left(lab.out(udp(`${alice}:1`, `${gateway}:500`)))).toBe('203.0.113.77:1');
  });
});

describe('parity and neighbours (RFC 4787 §4.2.2, §4.2.3)', () => {
  test('even for even and odd for odd, until there are none left of that kind', () => {
    const lab = boxWith('full-cone', { ports: { assignment: 'random', keepLowApart: false, range: [2000, 2003], parity: 'preserve' } });
    const ports = [5000, 6000, 7000].map((port) => portOf(lab.out(udp(`${alice}:${port}`, `${gateway}:9`))));
    expect(ports.map((port) => port % 2)).toEqual([0, 0, 1]);
    expect(new Set(ports).size).toBe(3);
  });
  test('the odd port above an even one stays above it, and the even one below', () => {
    const lab = boxWith('full-cone', { ports: { assignment: 'random', keepLowApart: false, parity: 'preserve', contiguous: true } });
    const even = portOf(lab.out(udp(`${alice}:5000`, `${gateway}:9`)));
    expect(portOf(lab.out(udp(`${alice}:5001`, `${gateway}:10`)))).toBe(even + 1);
    const odd = portOf(lab.out(udp(`${alice}:6001`, `${gateway}:9`)));
    expect(portOf(lab.out(udp(`${alice}:6000`, `${gateway}:10`)))).toBe(odd - 1);
  });
  test('a neighbour that is taken is not waited for', () => {
    const lab = boxWith('full-cone', { ports: { contiguous: true } });
    lab.out(udp(`${bob}:5001`, `${gateway}:9`));
    lab.out(udp(`${alice}:5000`, `${gateway}:9`));
    expect(lab.out(udp(`${alice}:5001`, `${gateway}:9`))).toMatch(/^udp 203/);
  });
});

describe('a box that is not deterministic (RFC 4787 §8)', () => {
  test('is a cone to the first client, and symmetric to the second one from the same port', () => {
    const lab = boxWith('full-cone', { ports: { onConflict: 'turn-symmetric' } });
    expect([gateway, other].map((server) => portOf(lab.out(udp(`${alice}:4500`, `${server}:4500`))))).toEqual([4500, 4500]);
    const [one, two_] = [gateway, other].map((server) => portOf(lab.out(udp(`${bob}:4500`, `${server}:4500`))));
    expect(new Set([4500, one, two_]).size).toBe(3);
    expect(lab.in(udp(`${other}:9`, `${outside}:4500`))).toBe(`udp ${other}:9 > ${alice}:4500`);
    expect(lab.in(udp(`${other}:9`, `${outside}:${one!}`))).toBe('nat-filtered');
  });
  test('one that refuses gives nothing where the port to keep is taken', () => {
    const lab = boxWith('full-cone', { ports: { onConflict: 'refuse' } });
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    expect(lab.out(udp(`${bob}:4500`, `${gateway}:4500`))).toBe('nat-no-port');
  });
});

describe('port blocks (RFC 6888, RFC 7422)', () => {
  const carrier = (perHost: number, range: [number, number] = [2000, 2007]) =>
    boxWith('full-cone', { ports: { assignment: 'random', keepLowApart: false, range, blocks: { size: 2, perHost } } });

  test('every port of a host is from its blocks, of another host from others; a low source port is no exception', () => {
    const lab = carrier(2);
    const ports = [500, 4500, 1000, 2000].map((port) => portOf(lab.out(udp(`${alice}:${port}`, `${gateway}:9`))));
    expect(ports.slice(0, 2).sort()).toEqual([2000, 2001]);
    expect(ports.slice(2).sort()).toEqual([2002, 2003]);
    expect(portOf(lab.out(udp(`${bob}:500`, `${gateway}:9`)))).toBeGreaterThanOrEqual(2004);
  });
  test('a host that has used its blocks up gets nothing, whoever else has room', () => {
    const lab = carrier(1);
    expect([1, 2, 3].map((port) => lab.out(udp(`${alice}:${port}`, `${gateway}:9`)).slice(0, 3))).toEqual(['udp', 'udp', 'nat']);
    expect(lab.drops()).toEqual(['nat-no-port']);
    expect(lab.out(udp(`${bob}:1`, `${gateway}:9`))).toMatch(/^udp/);
  });
  test('the fifth of four blocks is not there; with the last mapping of a host its block is given back', () => {
    const lab = carrier(1);
    const hosts = ['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'];
    expect(hosts.map((host) => lab.out(udp(`${host}:1`, `${gateway}:9`)).slice(0, 3))).toEqual(['udp', 'udp', 'udp', 'udp', 'nat']);
    lab.wait(300);
    expect(lab.out(udp(`${hosts[4]!}:1`, `${gateway}:9`))).toMatch(/^udp/);
  });
  test('pings have their identifiers from the block, too, and a pinned port is outside of all blocks', () => {
    const lab = boxWith('full-cone', { ports: { assignment: 'random', keepLowApart: false, range: [2000, 2007], blocks: { size: 2, perHost: 1 } }, pinned: { ports: [500] } });
    expect(lab.out(echo(alice, gateway, 7))).toMatch(/id 200[01]$/);
    expect(portOf(lab.out(udp(`${alice}:500`, `${gateway}:500`)))).toBe(500);
  });
});

describe('limits (RFC 6888 REQ-4)', () => {
  test('a host that has its share gets no more, others do', () => {
    const lab = boxWith('linux-masquerade', { hostLimit: 2 });
    expect([1, 2, 3].map((port) => left(lab.out(udp(`${alice}:${port}`, `${gateway}:9`))))).toEqual([`${outside}:1`, `${outside}:2`, 'nat-host-limit']);
    expect(left(lab.out(udp(`${bob}:3`, `${gateway}:9`)))).toBe(`${outside}:3`);
  });
  test('or its own oldest mapping makes room, and is told to have gone', () => {
    const lab = boxWith('linux-masquerade', { hostLimit: 2, whenFull: 'evict-oldest' });
    lab.out(udp(`${bob}:9`, `${gateway}:9`));
    for (const port of [1, 2, 3]) lab.out(udp(`${alice}:${port}`, `${gateway}:9`));
    expect(lab.table().map((row) => row.split(' ')[0])).toEqual([`${bob}:9`, `${alice}:2`, `${alice}:3`]);
    expect(lab.events.filter(({ kind }) => kind === 'mapping-removed')).toMatchObject([{ why: 'evicted', mapping: { inside: { address: alice, port: 1 } } }]);
  });
  test('a flood from one host through a full table that evicts takes every other mapping away; the table stays as large as it is', () => {
    const lab = boxWith('linux-masquerade', { tableSize: 50, whenFull: 'evict-oldest' });
    lab.out(udp(`${bob}:4500`, `${gateway}:4500`));
    for (let n = 0; n < 500; n++) lab.out(udp(`${alice}:${2000 + n}`, `${gateway}:9`));
    expect(lab.table()).toHaveLength(50);
    expect(lab.in(udp(`${gateway}:4500`, `${outside}:4500`))).toBe('nat-no-mapping');
  });
  test('with a limit a host the same flood reaches nobody else', () => {
    const lab = boxWith('linux-masquerade', { tableSize: 50, hostLimit: 20, whenFull: 'evict-oldest' });
    lab.out(udp(`${bob}:4500`, `${gateway}:4500`));
    for (let n = 0; n < 500; n++) lab.out(udp(`${alice}:${2000 + n}`, `${gateway}:9`));
    expect(lab.table()).toHaveLength(21);
    expect(lab.in(udp(`${gateway}:4500`, `${outside}:4500`))).toBe(`udp ${gateway}:4500 > ${bob}:4500`);
  });
  test('a remote that must be remembered takes room from the oldest mapping, never from its own', () => {
    const lab = boxWith('port-restricted', { tableSize: 2, whenFull: 'evict-oldest' });
    lab.out(udp(`${bob}:1`, `${gateway}:9`));
    lab.out(udp(`${alice}:4500`, `${gateway}:9`));
    expect(left(lab.out(udp(`${alice}:4500`, `${other}:9`)))).toBe(`${outside}:4500`);
    expect(lab.table().map((row) => row.split(' ')[0])).toEqual([`${alice}:4500`]);
    expect(lab.out(udp(`${alice}:4500`, '198.51.100.3:9'))).toBe('nat-no-port');
  });
});

test('hairpinning with the inside source: the receiver sees a neighbour that it never spoke to', () => {
  const lab = boxWith('full-cone', { hairpinning: 'internal-source' });
  lab.out(udp(`${alice}:5000`, `${gateway}:500`));
  expect(lab.out(udp(`${bob}:6000`, `${outside}:5000`))).toBe(`back in: udp ${bob}:6000 > ${alice}:5000`);
});
