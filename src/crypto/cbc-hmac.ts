import { createHmac, createSecretKey } from 'node:crypto';
import { cbcDecrypt, cbcEncrypt } from './cbc.ts';
import type { Cbc } from './cbc.ts';
import type { TruncatedHmac } from './integrity.ts';
import { sameSecret } from './secret.ts';
import type { CipherSuite, PacketCipher } from './types.ts';

/** Encrypt with an explicit random IV (RFC 3602, RFC 2451), then MAC over associated | IV | ciphertext | trailing (RFC 4303 §3.3.2, RFC 7296 §3.14). */
export const cbcHmac = (name: string, cbc: Cbc, hmac: TruncatedHmac): CipherSuite => ({
  name,
  encryptionKeyLength: cbc.keyLength,
  integrityKeyLength: hmac.keyLength,
  aead: false,
  create: (encryptionKey, integrityKey) => {
    if (encryptionKey.length !== cbc.keyLength) throw new RangeError(`${name}: ${encryptionKey.length} octets of encryption key`);
    if (integrityKey.length !== hmac.keyLength) throw new RangeError(`${name}: ${integrityKey.length} octets of integrity key`);
    return cipher(name, cbc, hmac, encryptionKey, integrityKey);
  },
});

function cipher(name: string, cbc: Cbc, hmac: TruncatedHmac, encryptionKey: Uint8Array, integrityKey: Uint8Array): PacketCipher {
  // KeyObjects hold copies of their own, which OpenSSL cleanses when they go.
  const key = createSecretKey(encryptionKey);
  const macKey = createSecretKey(integrityKey);
  const { blockLength } = cbc;
  const { icvLength } = hmac;
  const icv = (associated: Uint8Array, covered: Uint8Array, trailing: Uint8Array | undefined): Uint8Array => {
    const mac = createHmac(hmac.hash, macKey).update(associated).update(covered);
    if (trailing) mac.update(trailing);
    return mac.digest().subarray(0, icvLength);
  };
  return {
    name,
    ivLength: blockLength,
    icvLength,
    blockLength,
    seal: (plaintext, { associated, trailing, random }) => {
      if (plaintext.length % blockLength !== 0) throw new RangeError(`${name}: ${plaintext.length} octets are not whole blocks`);
      const iv = random.bytes(blockLength);
      const icvAt = blockLength + plaintext.length;
      const body = new Uint8Array(icvAt + icvLength);
      body.set(iv);
      body.set(cbcEncrypt(cbc, key, iv, plaintext), blockLength);
      body.set(icv(associated, body.subarray(0, icvAt), trailing), icvAt);
      return body;
    },
    open: (body, { associated, trailing }) => {
      const icvAt = body.length - icvLength;
      if (icvAt < blockLength || icvAt % blockLength !== 0) return undefined;
      if (!sameSecret(icv(associated, body.subarray(0, icvAt), trailing), body.subarray(icvAt))) return undefined;
      return cbcDecrypt(cbc, key, body.subarray(0, blockLength), body.subarray(blockLength, icvAt));
    },
  };
}
