import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, setU16, setU32, u16At, u32At } from '../../src/core/bytes.ts';
import { adjusted, adjusted32, checksum, complement, folded, wordSum } from '../../src/wire/checksum.ts';

describe('the Internet checksum (RFC 1071)', () => {
  test('sums the example of §3 to ddf2', () => {
    const example = fromHex('0001 f203 f4f5 f6f7');
    expect(folded(wordSum(example)).toString(16)).toBe('ddf2');
    expect(checksum(example)).toBe(~0xddf2 & 0xffff);
  });

  test('pads an odd octet with zero', () => {
    expect(checksum(fromHex('0001 f2'))).toBe(checksum(fromHex('0001 f200')));
  });

  test('does not lose a carry over the longest packet', () => {
    expect(folded(wordSum(new Uint8Array(65534).fill(0xff)))).toBe(0xffff);
  });

  test('of a part begins where the part begins', () => {
    expect(wordSum(fromHex('aa 0102 03 bb'), 1, 4)).toBe(0x0102 + 0x0300);
  });

  test('over octets with their checksum in place is zero', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
        const even = octets.length % 2 === 0 ? octets : concat(octets, Uint8Array.of(0));
        const sum = checksum(even);
        expect(checksum(concat(even, Uint8Array.of(sum >>> 8, sum & 0xff)))).toBe(0);
      }),
    );
  });
});

describe('the incremental update (RFC 1624)', () => {
  test('gives 0000 for the example of §4, where RFC 1141 gives ffff', () => {
    expect(adjusted(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  // RFC 1624 §3: data that is not all zero never has the checksum ffff, and neither has its update
  const notAllZero = fc.uint8Array({ minLength: 8, maxLength: 60 }).map((octets) => concat(Uint8Array.of(0x45, 0), octets.length % 2 === 0 ? octets : octets.subarray(1)));

  test('equals a new computation for every rewrite of a word', () => {
    fc.assert(
      fc.property(notAllZero, fc.nat(), fc.oneof(fc.constantFrom(0, 1, 0xfffe, 0xffff), fc.nat(0xffff)), (octets, place, after) => {
        const at = 2 + 2 * (place % ((octets.length - 2) / 2));
        const before = u16At(octets, at);
        const old = checksum(octets);
        setU16(octets, at, after);
        expect(adjusted(old, before, after)).toBe(checksum(octets));
      }),
      { numRuns: 2000 },
    );
  });

  test('equals a new computation for every rewrite of an address', () => {
    fc.assert(
      fc.property(notAllZero, fc.oneof(fc.constantFrom(0, 0xffff, 0xffff_0000, 0xffff_ffff), fc.nat(0xffff_ffff)), (octets, after) => {
        const before = u32At(octets, 4);
        const old = checksum(octets);
        setU32(octets, 4, after);
        expect(adjusted32(old, before, after)).toBe(checksum(octets));
      }),
      { numRuns: 2000 },
    );
  });

  test('undoes itself', () => {
    expect(adjusted(adjusted(complement(0x1234), 0x0004, 0xfffb), 0xfffb, 0x0004)).toBe(complement(0x1234));
  });
});
