import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from 'node:crypto';
import { octets } from './octets.ts';
import { sameSecret } from './secret.ts';
import type { CipherSuite, PacketCipher } from './types.ts';

const blockLength = 16;

/** AES-CBC with an explicit random IV (RFC 3602). */
export interface Cbc {
  readonly algorithm: 'aes-128-cbc' | 'aes-256-cbc';
  readonly keyLength: number;
}

/** An HMAC cut to its first octets; the key is as long as the hash (RFC 2404, RFC 4868). */
export interface TruncatedHmac {
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly keyLength: number;
  readonly icvLength: number;
}

/** Encrypt, then MAC over associated | IV | ciphertext | trailing (RFC 4303 §3.3.2, RFC 7296 §3.14). */
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

function cipher(name: string, { algorithm }: Cbc, hmac: TruncatedHmac, encryptionKey: Uint8Array, integrityKey: Uint8Array): PacketCipher {
  // KeyObjects hold copies of their own, which OpenSSL cleanses when they go.
  const key = createSecretKey(encryptionKey);
  const macKey = createSecretKey(integrityKey);
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
      const encryption = createCipheriv(algorithm, key, iv).setAutoPadding(false);
      const icvAt = blockLength + plaintext.length;
      const body = new Uint8Array(icvAt + icvLength);
      body.set(iv);
      body.set(encryption.update(plaintext), blockLength);
      encryption.final();
      body.set(icv(associated, body.subarray(0, icvAt), trailing), icvAt);
      return body;
    },
    open: (body, { associated, trailing }) => {
      const icvAt = body.length - icvLength;
      if (icvAt < blockLength || icvAt % blockLength !== 0) return undefined;
      if (!sameSecret(icv(associated, body.subarray(0, icvAt), trailing), body.subarray(icvAt))) return undefined;
      const decryption = createDecipheriv(algorithm, key, body.subarray(0, blockLength)).setAutoPadding(false);
      const plaintext = decryption.update(body.subarray(blockLength, icvAt));
      decryption.final();
      return octets(plaintext);
    },
  };
}
