import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { fromHex } from '../../src/core/bytes.ts';
import { cookie, cookieVersion } from '../../src/crypto/cookie.ts';

const secret = { version: 7, key: Uint8Array.from({ length: 32 }, (_, i) => i) };
const nonceI = Uint8Array.from({ length: 32 }, (_, i) => 0x20 + i);
const spiI = fromHex('0102030405060708');
const made = cookie(secret, nonceI, ip('192.0.2.1'), spiI);

// The expected octets come from Python's hmac module.
test('is the version of the secret and an HMAC over nonce, address and SPI (RFC 7296 §2.6)', () => {
  expect(made).toEqual(
    fromHex('07 0709077d1ff030e40e75c0ffbef92ceede84c52f1a122fde8cd88ebbc54612c7'),
  );
  expect(cookieVersion(made)).toBe(7);
});

test('belongs to one nonce, one address, one SPI, one secret', () => {
  expect(cookie(secret, nonceI.subarray(1), ip('192.0.2.1'), spiI)).not.toEqual(made);
  expect(cookie(secret, nonceI, ip('192.0.2.2'), spiI)).not.toEqual(made);
  expect(cookie(secret, nonceI, ip('192.0.2.1'), fromHex('0102030405060709'))).not.toEqual(made);
  expect(cookie({ version: 7, key: new Uint8Array(32) }, nonceI, ip('192.0.2.1'), spiI)).not.toEqual(made);
});

test('an empty one has no version', () => {
  expect(cookieVersion(new Uint8Array(0))).toBeUndefined();
});
