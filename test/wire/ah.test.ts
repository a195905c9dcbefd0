import { describe, expect, test } from 'vitest';
import { concat, fromHex } from '../../src/core/bytes.ts';
import { ahLength, decodeAh, encodeAh } from '../../src/wire/ah.ts';

test('RFC 4302 §2: next header, length in words minus 2, reserved, SPI, sequence, room for the ICV', () => {
  expect(encodeAh({ nextHeader: 17, spi: 0x1234_5678, sequence: 9 }, 24)).toEqual(fromHex('11040000 12345678 00000009 000000000000000000000000'));
});

test('§2.2: with a 96-bit ICV the length field is 4; §2.6: IPv6 pads to 64 bits, IPv4 to 32', () => {
  expect([ahLength(12, 4), ahLength(12, 6), ahLength(16, 4), ahLength(16, 6)]).toEqual([24, 24, 28, 32]);
});

test('a header says where it ends', () => {
  const header = fromHex('06040000 00001000 00000007 0102030405060708090a0b0c');
  expect(decodeAh(concat(header, fromHex('aabb')))).toEqual({ ok: true, value: { nextHeader: 6, spi: 0x1000, sequence: 7, length: 24, payload: fromHex('aabb') } });
});

describe('is refused', () => {
  test.each([
    ['when it is cut short', '06040000 00001000 000000'],
    ['when its length is beyond what is there', '06050000 00001000 00000007 0102030405060708090a0b0c'],
    ['when its length is less than the fixed fields', '06000000 00001000 00000007 0102030405060708090a0b0c'],
    ['with SPI zero', '06040000 00000000 00000007 0102030405060708090a0b0c'],
  ])('%s', (_, octets) => {
    expect(decodeAh(fromHex(octets))).toMatchObject({ ok: false, reason: 'ah-malformed' });
  });
});
