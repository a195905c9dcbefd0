import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describePrefix, inPrefix, ip, ipv4FromNumber, ipv4ToNumber, prefix } from '../../src/core/address.ts';
import { narrow, prefixesOf, selectorOf, selectorOfAddress, within } from '../../src/ike/traffic-selectors.ts';
import type { TrafficSelector } from '../../src/wire/ike/message.ts';

const range = (from: string, to: string, more: Partial<TrafficSelector> = {}): TrafficSelector => ({
  protocol: 0, startPort: 0, endPort: 0xffff, startAddress: ip(from), endAddress: ip(to), ...more,
});

test('a block is a range from its first to its last address', () => {
  expect(selectorOf(prefix('10.99.0.0/24'))).toEqual(range('10.99.0.0', '10.99.0.255'));
  expect(selectorOf(prefix('2001:db8::/32'))).toEqual(range('2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'));
  expect(selectorOf(prefix('0.0.0.0/0'))).toEqual(range('0.0.0.0', '255.255.255.255'));
});

describe('narrowing', () => {
  test.each([
    ['the same', ['10.0.0.0', '10.0.0.255'], ['10.0.0.0', '10.0.0.255'], [['10.0.0.0', '10.0.0.255']]],
    ['theirs is wider', ['0.0.0.0', '255.255.255.255'], ['10.0.0.0', '10.0.0.255'], [['10.0.0.0', '10.0.0.255']]],
    ['ours is wider', ['10.0.0.7', '10.0.0.7'], ['10.0.0.0', '10.0.0.255'], [['10.0.0.7', '10.0.0.7']]],
    ['they overlap', ['10.0.0.0', '10.0.0.99'], ['10.0.0.50', '10.0.0.255'], [['10.0.0.50', '10.0.0.99']]],
    ['nothing in common', ['10.0.0.0', '10.0.0.99'], ['10.0.1.0', '10.0.1.255'], []],
    ['another family', ['::', 'ffff::'], ['10.0.1.0', '10.0.1.255'], []],
  ] as const)('%s', (_name, theirs, ours, common) => {
    expect(narrow([range(theirs[0], theirs[1])], [range(ours[0], ours[1])])).toEqual(common.map(([from, to]) => range(from, to)));
  });

  test('to the packet that asked for it: a selector inside another says nothing new (RFC 7296 §2.9)', () => {
    expect(narrow([selectorOfAddress(ip('10.0.0.7')), range('10.0.0.0', '10.0.0.255')], [range('10.0.0.0', '10.255.255.255')])).toEqual([range('10.0.0.0', '10.0.0.255')]);
  });

  test('protocols and ports', () => {
    expect(narrow([range('10.0.0.1', '10.0.0.1', { protocol: 17, startPort: 1, endPort: 99 })], [range('10.0.0.0', '10.0.0.9', { startPort: 50, endPort: 60 })])).toEqual([
      range('10.0.0.1', '10.0.0.1', { protocol: 17, startPort: 50, endPort: 60 }),
    ]);
    expect(narrow([range('10.0.0.1', '10.0.0.1', { protocol: 17 })], [range('10.0.0.1', '10.0.0.1', { protocol: 6 })])).toEqual([]);
  });
});

test('an address range is cut into the fewest blocks, which hold its addresses and no others', () => {
  expect(prefixesOf(range('10.0.0.1', '10.0.0.6')).map(describePrefix)).toEqual(['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.6/32']);
  expect(prefixesOf(range('0.0.0.0', '255.255.255.255')).map(describePrefix)).toEqual(['0.0.0.0/0']);
  fc.assert(
    fc.property(fc.nat(0xffff), fc.nat(600), fc.nat(0xffff), (first, length, probe) => {
      const [start, end] = [0x0a00_0000 + first, 0x0a00_0000 + first + length];
      const blocks = prefixesOf(range(ipv4FromNumber(start), ipv4FromNumber(end)));
      const address = ipv4FromNumber(0x0a00_0000 + probe);
      const inside = ipv4ToNumber(address) >= start && ipv4ToNumber(address) <= end;
      return blocks.filter((block) => inPrefix(address, block)).length === (inside ? 1 : 0);
    }),
  );
});

test('what the responder answers must lie within what was asked for', () => {
  expect(within([range('10.0.0.1', '10.0.0.9')], [range('10.0.0.0', '10.0.0.255')])).toBe(true);
  expect(within([range('10.0.0.1', '10.0.1.9')], [range('10.0.0.0', '10.0.0.255')])).toBe(false);
});
