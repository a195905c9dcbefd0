/** What happens to a box: its table fills up, its address changes under mappings that stay. */
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { boxWith, outside } from './lab.ts';
import { udp } from './packets.ts';

const alice = '10.0.0.2';
const gateway = '198.51.100.1';
const moved = '203.0.113.77';

describe('a table that fills up', () => {
  const clients = (lab: ReturnType<typeof boxWith>) => lab.table().filter((row) => row.startsWith(`${alice}:`)).length;

  test('who has a mapping keeps it, nobody gets a new one until the flood has expired', () => {
    const lab = boxWith('linux-masquerade', { tableSize: 20 });
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    lab.control({ kind: 'fill' });
    expect(lab.table()).toHaveLength(20);
    expect(lab.out(udp(`${alice}:4500`, `${gateway}:4500`))).toBe('nat-no-port');
    expect(lab.in(udp(`${gateway}:500`, `${outside}:500`))).toBe(`udp ${gateway}:500 > ${alice}:500`);
    lab.wait(30);
    expect(lab.out(udp(`${alice}:4500`, `${gateway}:4500`))).toBe(`udp ${outside}:4500 > ${gateway}:4500`);
  });
  test('where the oldest make room, everybody else loses theirs', () => {
    const lab = boxWith('linux-masquerade', { tableSize: 20, whenFull: 'evict-oldest' });
    lab.out(udp(`${alice}:500`, `${gateway}:500`));
    lab.control({ kind: 'fill' });
    expect(lab.table()).toHaveLength(20);
    expect(clients(lab)).toBe(0);
  });
  test('with a limit for each host the flood takes many hosts, and ends all the same', () => {
    for (const whenFull of ['refuse', 'evict-oldest'] as const) {
      const lab = boxWith('linux-masquerade', { tableSize: 20, hostLimit: 3, whenFull });
      lab.control({ kind: 'fill' });
      expect(lab.table()).toHaveLength(20);
      expect(new Set(lab.table().map((row) => row.split(':')[0])).size).toBe(7);
    }
  });
  test('port blocks run out before the table does', () => {
    const lab = boxWith('full-cone', { ports: { assignment: 'random', keepLowApart: false, range: [2000, 2007], blocks: { size: 4, perHost: 1 } } });
    lab.control({ kind: 'fill' });
    expect(lab.table()).toHaveLength(8);
    expect(lab.out(udp(`${alice}:500`, `${gateway}:500`))).toBe('nat-no-port');
  });
  test('it is told, and a reboot empties it', () => {
    const lab = boxWith('linux-masquerade', { tableSize: 20 });
    lab.control({ kind: 'fill' });
    expect(lab.events[0]).toEqual({ kind: 'nat-control', control: 'fill', story: 'a host behind box opens flow after flow, until there is room for none' });
    lab.control({ kind: 'reboot' });
    expect(lab.table()).toEqual([]);
  });
});

describe('an outside address that changes under a box that does not look', () => {
  const changed = () => {
    const lab = boxWith('linux-masquerade', { whenAddressChanges: 'keep' });
    lab.out(udp(`${alice}:4500`, `${gateway}:4500`));
    lab.control({ kind: 'change-address', address: ip(moved) });
    return lab;
  };
  test('keepalives leave from the old address and keep the dead mapping alive for ever', () => {
    const lab = changed();
    for (let n = 0; n < 100; n++) {
      expect(lab.out(udp(`${alice}:4500`, `${gateway}:4500`))).toBe(`udp ${outside}:4500 > ${gateway}:4500`);
      lab.wait(20);
    }
    expect(lab.table()).toEqual([`${alice}:4500 ${outside}:4500 ${gateway}:4500`]);
  });
  test('silence lets it expire, and what follows leaves from the new address', () => {
    const lab = changed();
    lab.wait(30);
    expect(lab.out(udp(`${alice}:4500`, `${gateway}:4500`))).toBe(`udp ${moved}:4500 > ${gateway}:4500`);
  });
  test('another flow of the same host leaves from the new one at once', () => {
    expect(changed().out(udp(`${alice}:500`, `${gateway}:500`))).toBe(`udp ${moved}:500 > ${gateway}:500`);
  });
  test('a flow to another server does not take the old address over, though its port is kept for it', () => {
    expect(changed().out(udp(`${alice}:4500`, '198.51.100.2:4500'))).toBe(`udp ${moved}:4500 > 198.51.100.2:4500`);
  });
  test('it says so', () => expect(changed().events.at(-1)).toMatchObject({ story: `box has the outside address ${moved} from now on; its mappings stay bound to the old one` }));
});
