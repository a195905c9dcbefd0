import { expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { fromHex } from '../../src/core/bytes.ts';
import { natDetectionHash } from '../../src/crypto/nat-detection-hash.ts';

// The expected octets come from Python's hashlib and ipaddress modules.
test.each([
  ['the first message, SPIr still zero', '0000000000000000', '192.0.2.1', 500, '644b4575455bd6fcc1efe2be8162a9218e448e5f'],
  ['a later one', '1112131415161718', '192.0.2.1', 500, 'd798d986143f878f70765e0e869c80bbc375f701'],
  ['port 4500', '1112131415161718', '192.0.2.1', 4500, '5184f43875ff7d9e3dfdc92bd1dee1a08204de3e'],
  ['IPv6', '1112131415161718', '2001:db8::1', 500, '645efdf3a4d473679c6a6530abefd3b71d8c18af'],
])('is SHA-1 of SPIi, SPIr, address and port (RFC 7296 §2.23): %s', (_, spiR, address, port, expected) => {
  expect(natDetectionHash(fromHex('0102030405060708'), fromHex(spiR), ip(address), port)).toEqual(fromHex(expected));
});
