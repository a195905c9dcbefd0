import { describe, expect, test } from 'vitest';
import { nthAddress, prefix } from '../../src/core/address.ts';
import { AddressPool } from '../../src/ike/address-pool.ts';

const all = (pool: AddressPool, atMost: number): string[] => Array.from({ length: atMost }, () => pool.take()).flatMap((address) => address ?? []);

describe('a pool gives', () => {
  test.each([
    ['10.98.0.0/30', ['10.98.0.1', '10.98.0.2']],
    ['10.98.0.4/31', ['10.98.0.4', '10.98.0.5']],
    ['10.98.0.4/32', ['10.98.0.4']],
    ['fd98::/126', ['fd98::1', 'fd98::2', 'fd98::3']], // IPv6 has no broadcast
    ['fd98::7/128', ['fd98::7']],
  ])('of %s %s, and then nothing', (block, addresses) => expect(all(new AddressPool(prefix(block)), 8)).toEqual(addresses));

  test('of a /64 as many as anybody wants, over the borders of octets', () => {
    const given = all(new AddressPool(prefix('fd98:0:0:1::/64')), 70_000);
    expect([given[0], given[255], given[65_535]]).toEqual(['fd98:0:0:1::1', 'fd98:0:0:1::100', 'fd98::1:0:0:1:0']);
    expect(new Set(given).size).toBe(70_000);
  });

  test('what comes back before what was never given', () => {
    const pool = new AddressPool(prefix('fd98::/64'));
    const [first] = all(pool, 2);
    pool.giveBack(first as never);
    pool.giveBack(first as never); // twice is once
    expect(all(pool, 2)).toEqual(['fd98::1', 'fd98::3']);
  });
});

test('the nth address of a block carries over', () => {
  expect([nthAddress(prefix('10.0.255.0/24'), 5), nthAddress(prefix('10.0.0.0/8'), 65_536), nthAddress(prefix('2001:db8::ff00/120'), 0x1ff), nthAddress(prefix('fd00::/8'), 2 ** 40)]).toEqual(['10.0.255.5', '10.1.0.0', '2001:db8::1:ff', 'fd00::100:0:0']);
});
