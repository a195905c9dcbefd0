import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded } from '../../src/core/random.ts';
import { cipherSuite, cipherSuiteByIds, cipherSuites } from '../../src/crypto/cipher-suites.ts';
import type { CipherSuite, PacketCipher } from '../../src/crypto/types.ts';

const random = seeded(1, 'cipher suites');
const create = (suite: CipherSuite): PacketCipher =>
  suite.create(random.bytes(suite.encryptionKeyLength), random.bytes(suite.integrityKeyLength));
const octets = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
/** Octets in whole blocks of the cipher. */
const plaintextFor = ({ blockLength }: PacketCipher): fc.Arbitrary<Uint8Array> =>
  octets(200).map((bytes) => bytes.subarray(0, bytes.length - (bytes.length % blockLength)));

describe.each(cipherSuites)('$name', (suite) => {
  const cipher = create(suite);

  test('opens what it sealed, and the body has IV and ICV around it', () => {
    fc.assert(
      fc.property(plaintextFor(cipher), octets(40), octets(4), fc.bigInt(0n, 2n ** 64n - 1n), (plaintext, associated, trailing, number) => {
        const context = { associated, trailing, packetNumber: number, random };
        const body = cipher.seal(plaintext, context);
        expect(body).toHaveLength(cipher.ivLength + plaintext.length + cipher.icvLength);
        expect(cipher.open(body, context)).toEqual(plaintext);
      }),
    );
  });

  test('refuses a body with any one bit turned over', () => {
    const associated = random.bytes(12);
    const body = cipher.seal(random.bytes(48), { associated, packetNumber: 1n, random });
    for (let bit = 0; bit < body.length * 8; bit++) {
      const forged = body.slice();
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(cipher.open(forged, { associated })).toBeUndefined();
    }
  });

  test('refuses other associated octets, and other trailing ones unless it is an AEAD', () => {
    const associated = random.bytes(12);
    const trailing = random.bytes(4);
    const body = cipher.seal(random.bytes(48), { associated, trailing, packetNumber: 1n, random });
    expect(cipher.open(body, { associated: random.bytes(12), trailing })).toBeUndefined();
    if (!suite.aead) expect(cipher.open(body, { associated, trailing: random.bytes(4) })).toBeUndefined();
    if (!suite.aead) expect(cipher.open(body, { associated })).toBeUndefined();
  });

  test('refuses any octets of a stranger, at any length, without throwing', () => {
    fc.assert(fc.property(octets(200), octets(40), (body, associated) => { expect(cipher.open(body, { associated })).toBeUndefined(); }));
  });

  test('refuses the body of another key', () => {
    const associated = random.bytes(12);
    const body = create(suite).seal(random.bytes(48), { associated, packetNumber: 1n, random });
    expect(cipher.open(body, { associated })).toBeUndefined();
  });

  test('keeps its keys when those that were handed in are wiped', () => {
    const keys = [random.bytes(suite.encryptionKeyLength), random.bytes(suite.integrityKeyLength)] as const;
    const cipher = suite.create(...keys);
    const associated = random.bytes(12);
    const plaintext = random.bytes(48);
    const body = cipher.seal(plaintext, { associated, packetNumber: 1n, random });
    for (const key of keys) key.fill(0);
    expect(cipher.open(body, { associated })).toEqual(plaintext);
  });

  test('takes keys of its own lengths only', () => {
    const { encryptionKeyLength: e, integrityKeyLength: i } = suite;
    expect(() => suite.create(random.bytes(e - 1), random.bytes(i))).toThrow(RangeError);
    if (!suite.aead) expect(() => suite.create(random.bytes(e), random.bytes(i + 1))).toThrow(RangeError);
  });
});

test('an AEAD puts the packet number on the wire as its IV', () => {
  const cipher = create(cipherSuite('aes-gcm-16', 128, 'none'));
  const body = cipher.seal(new Uint8Array(4), { associated: new Uint8Array(8), packetNumber: 0x0102030405060708n, random });
  expect(body.subarray(0, 8)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
});

test('CBC draws another IV for each packet, and wants whole blocks', () => {
  const cipher = create(cipherSuite('aes-cbc', 256, 'hmac-sha2-256-128'));
  const seal = (length: number): Uint8Array =>
    cipher.seal(new Uint8Array(length), { associated: new Uint8Array(8), packetNumber: 1n, random });
  expect(seal(16).subarray(0, 16)).not.toEqual(seal(16).subarray(0, 16));
  expect(() => seal(15)).toThrow(RangeError);
});

// Key lengths with the salt: RFC 4106 §8.1, RFC 7634 §2; ICVs and integrity keys: RFC 2403, RFC 2404, RFC 4868 §2.6. IDs: IANA, IKEv2 parameters.
test.each([
  ['AES-GCM-16, 128 bits', 20, 128, undefined, 'aes-gcm-16-128', 20, 0, 16],
  ['AES-GCM-16, 256 bits', 20, 256, undefined, 'aes-gcm-16-256', 36, 0, 16],
  ['AES-GCM-16 with integrity NONE', 20, 256, 0, 'aes-gcm-16-256', 36, 0, 16],
  ['ChaCha20-Poly1305', 28, undefined, undefined, 'chacha20-poly1305', 36, 0, 16],
  ['3DES with HMAC-MD5-96', 3, undefined, 1, '3des-cbc/hmac-md5-96', 24, 16, 12],
  ['3DES with HMAC-SHA1-96', 3, undefined, 2, '3des-cbc/hmac-sha1-96', 24, 20, 12],
  ['AES-CBC-128 with HMAC-SHA1-96', 12, 128, 2, 'aes-cbc-128/hmac-sha1-96', 16, 20, 12],
  ['AES-CBC-128 with HMAC-SHA2-256-128', 12, 128, 12, 'aes-cbc-128/hmac-sha2-256-128', 16, 32, 16],
  ['AES-CBC-256 with HMAC-SHA2-384-192', 12, 256, 13, 'aes-cbc-256/hmac-sha2-384-192', 32, 48, 24],
  ['AES-CBC-256 with HMAC-SHA2-512-256', 12, 256, 14, 'aes-cbc-256/hmac-sha2-512-256', 32, 64, 32],
] as const)('transform IDs name a suite: %s', (_, encryptionId, bits, integrityId, name, encryptionKeyLength, integrityKeyLength, icv) => {
  const suite = cipherSuiteByIds(encryptionId, bits, integrityId)!;
  expect(suite).toMatchObject({ name, encryptionKeyLength, integrityKeyLength });
  expect(create(suite).icvLength).toBe(icv);
});

test.each([
  ['AES-CBC without integrity', 12, 256, undefined],
  ['AES-CBC with integrity NONE', 12, 256, 0],
  ['AES-CBC without a key length', 12, undefined, 12],
  ['AES with 192 bits', 20, 192, undefined],
  ['an AEAD with an HMAC', 20, 256, 12],
  ['ChaCha20-Poly1305 with a key length (RFC 7634 §4)', 28, 256, undefined],
  ['3DES with a key length (RFC 2451 §2.2)', 3, 192, 2],
  ['DES', 2, undefined, 2],
  ['DES-MAC', 12, 128, 3],
])('transform IDs name nothing we have: %s', (_, encryptionId, bits, integrityId) => {
  expect(cipherSuiteByIds(encryptionId, bits, integrityId)).toBeUndefined();
});

test('a configuration that names no suite is told so', () => {
  expect(() => cipherSuite('aes-cbc', 256, 'none')).toThrow('no such suite: aes-cbc, 256 key bits, integrity none');
  expect(() => cipherSuite('aes-gcm-16', undefined, 'none')).toThrow('no such suite');
  expect(cipherSuite('chacha20-poly1305', 256, 'none')).toBe(cipherSuite('chacha20-poly1305', undefined, 'none'));
  expect(cipherSuite('3des-cbc', 192, 'hmac-sha1-96')).toBe(cipherSuite('3des-cbc', undefined, 'hmac-sha1-96'));
});
