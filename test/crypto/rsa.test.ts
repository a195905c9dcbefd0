import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, utf8 } from '../../src/core/bytes.ts';
import { seeded } from '../../src/core/random.ts';
import { digitalSignature, rsaPrivateKey, signIkeV1, signRsaSha1, signatureHashes, verifyDigitalSignature, verifyIkeV1, verifyRsaSha1 } from '../../src/crypto/rsa.ts';
import type { SignatureHash } from '../../src/crypto/rsa.ts';
import { rsaKeyPair } from '../../lab/pki/rsa-key.ts';
import { needs } from '../support/needs.ts';
import { OpenSsl } from '../support/openssl.ts';
import { cases, key } from '../vectors/nist-rsa.ts';

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const big = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const number = (value: bigint): string => Buffer.from(value.toString(16).padStart(128, '0'), 'hex').toString('base64url');

/** The file leaves out what Chinese remaindering wants; q⁻¹ by Fermat, as p is prime. */
function nistKey(): ReturnType<typeof rsaPrivateKey> {
  const [d, p, q] = [key.d, key.p, key.q].map(big) as [bigint, bigint, bigint];
  let [inverse, base] = [1n, q % p];
  for (let exponent = p - 2n; exponent > 0n; exponent >>= 1n, base = (base * base) % p) if (exponent & 1n) inverse = (inverse * base) % p;
  const jwk = { kty: 'RSA', n: base64url(key.n), e: base64url(key.e), d: base64url(key.d), p: base64url(key.p), q: base64url(key.q), dp: number(d % (p - 1n)), dq: number(d % (q - 1n)), qi: number(inverse) };
  return rsaPrivateKey(createPrivateKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' }).toString());
}

const privateKey = nistKey();
const publicKey = createPublicKey(privateKey);
const sha1 = (message: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(message).digest());

/** RFC 8017 §9.2, note 1: the DigestInfo of SHA-1, which IKEv1 leaves out and NIST's signatures have. */
const digestInfo = fromHex('3021300906052b0e03021a05000414');

describe("RSA signatures, by NIST's vectors", () => {
  test.each(cases)('$result', ({ result, message, signature }) => {
    const passes = result === 'P';
    expect(verifyRsaSha1(publicKey, message, signature)).toBe(passes);
    // The padding of IKEv1 is the same; what is under it is the data itself.
    expect(verifyIkeV1(publicKey, concat(digestInfo, sha1(message)), signature)).toBe(passes);
    expect(verifyIkeV1(publicKey, sha1(message), signature)).toBe(false);
  });

  test('the signature that passes is the one that the key makes', () => {
    const { message, signature } = cases[0];
    expect(signRsaSha1(privateKey, message)).toEqual(signature);
    expect(signIkeV1(privateKey, concat(digestInfo, sha1(message)))).toEqual(signature);
  });

  test('method 14 puts length and AlgorithmIdentifier in front of it (RFC 7427 §3, §A.1.1)', () => {
    const { message, signature } = cases[0];
    const authData = concat(fromHex('0f 300d06092a864886f70d0101050500'), signature);
    expect(digitalSignature(privateKey, 'sha1', message)).toEqual(authData);
    expect(verifyDigitalSignature(publicKey, message, authData)).toBe(true);
    for (const { message: other, signature: bad } of cases.slice(1)) expect(verifyDigitalSignature(publicKey, other, concat(authData.subarray(0, 16), bad))).toBe(false);
  });
});

describe('AUTH data of method 14', () => {
  const signed = utf8('what both have said');
  const hashes = Object.keys(signatureHashes) as SignatureHash[];

  test.each(hashes)('%s is verified as itself, and not under the name of another hash', (hash) => {
    const made = digitalSignature(privateKey, hash, signed);
    expect(verifyDigitalSignature(publicKey, signed, made)).toBe(true);
    expect(verifyDigitalSignature(publicKey, utf8('what both have not said'), made)).toBe(false);
    for (const other of hashes.filter((one) => one !== hash)) expect(verifyDigitalSignature(publicKey, signed, concat(Uint8Array.of(15), signatureHashes[other].algorithm, made.subarray(16)))).toBe(false);
  });

  test('an algorithm that we have not is no signature, whatever follows: RSASSA-PSS (RFC 7427 §A.4.1)', () => {
    expect(verifyDigitalSignature(publicKey, signed, concat(fromHex('0f 300d06092a864886f70d01010a3000'), digitalSignature(privateKey, 'sha1', signed).subarray(16)))).toBe(false);
  });
});

test('a signature of any octets is none, and never throws', () => {
  const hash = sha1(utf8('hash'));
  const good = signIkeV1(privateKey, hash);
  const spoilt = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, change]) => good.map((octet, i) => (i === at ? octet ^ change : octet)));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 128, maxLength: 128 }), spoilt), (signature) => {
      expect(verifyIkeV1(publicKey, hash, signature)).toBe(false);
      expect(verifyRsaSha1(publicKey, hash, signature)).toBe(false);
      expect(verifyDigitalSignature(publicKey, hash, signature)).toBe(false);
      expect(verifyDigitalSignature(publicKey, hash, concat(Uint8Array.of(15), signatureHashes.sha256.algorithm, signature))).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('a private key that is not RSA is refused', () => {
  const ed25519 = createPrivateKey({ key: Buffer.from('302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842', 'hex'), format: 'der', type: 'pkcs8' }); // RFC 8410 §10.3
  expect(() => rsaPrivateKey(ed25519.export({ format: 'pem', type: 'pkcs8' }).toString())).toThrow('an RSA key is wanted, not one of type ed25519');
});

describe('a key made of seeded chance', () => {
  test('is the same for the same seed, another for another, and has 2048 bits', () => {
    const pem = (seed: number): string => rsaKeyPair(seeded(seed)).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    expect(pem(1)).toBe(pem(1));
    expect(pem(1)).not.toBe(pem(2));
    expect(rsaKeyPair(seeded(1)).publicKey.asymmetricKeyDetails).toEqual({ modulusLength: 2048, publicExponent: 65537n });
  });

  needs('openssl').test('is a good one to OpenSSL, which makes the same IKEv1 signature with it', () => {
    using openssl = new OpenSsl();
    const pem = rsaKeyPair(seeded(7)).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    openssl.put('key.pem', pem);
    expect(openssl.run('rsa', '-in', 'key.pem', '-check', '-noout').toString()).toBe('RSA key ok\n');
    const hash = sha1(utf8('HASH_I'));
    openssl.put('hash', hash);
    expect(signIkeV1(rsaPrivateKey(pem), hash)).toEqual(new Uint8Array(openssl.run('pkeyutl', '-sign', '-inkey', 'key.pem', '-in', 'hash', '-pkeyopt', 'rsa_padding_mode:pkcs1')));
  });
});
