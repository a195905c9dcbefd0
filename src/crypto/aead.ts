import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import type { CipherChaCha20Poly1305Types, CipherGCMTypes } from 'node:crypto';
import { octets } from './octets.ts';
import type { CipherSuite, PacketCipher } from './types.ts';

const saltLength = 4;
const ivLength = 8;
const icvLength = 16;

/**
 * AES-GCM with a 16-octet ICV (RFC 4106, RFC 5282) and ChaCha20-Poly1305 (RFC 7634) lay everything out alike: the last four octets of the
 * key material are a salt, the IV on the wire is the packet number, and the nonce is salt | IV.
 */
export const aead = (name: string, algorithm: CipherGCMTypes | CipherChaCha20Poly1305Types, keyLength: number): CipherSuite => ({
  name,
  encryptionKeyLength: keyLength + saltLength,
  integrityKeyLength: 0,
  aead: true,
  create: (encryptionKey) => {
    if (encryptionKey.length !== keyLength + saltLength) throw new RangeError(`${name}: ${encryptionKey.length} octets of key`);
    return cipher(name, algorithm, encryptionKey);
  },
});

function cipher(name: string, algorithm: CipherGCMTypes | CipherChaCha20Poly1305Types, encryptionKey: Uint8Array): PacketCipher {
  // Narrowed for the type definitions, which know the two AEADs by separate overloads with the same shape.
  const gcm = algorithm as CipherGCMTypes;
  const options = { authTagLength: icvLength };
  // A KeyObject holds a copy of its own, which OpenSSL cleanses when it goes.
  const key = createSecretKey(encryptionKey.subarray(0, -saltLength));
  const salt = encryptionKey.slice(-saltLength);
  return {
    name,
    ivLength,
    icvLength,
    blockLength: 1,
    seal: (plaintext, { associated, packetNumber }) => {
      const nonce = Buffer.alloc(saltLength + ivLength);
      nonce.set(salt);
      nonce.writeBigUInt64BE(packetNumber, saltLength);
      const encryption = createCipheriv(gcm, key, nonce, options).setAAD(associated);
      const body = new Uint8Array(ivLength + plaintext.length + icvLength);
      body.set(nonce.subarray(saltLength));
      body.set(encryption.update(plaintext), ivLength);
      encryption.final();
      body.set(encryption.getAuthTag(), ivLength + plaintext.length);
      return body;
    },
    open: (body, { associated }) => {
      if (body.length < ivLength + icvLength) return undefined;
      const nonce = new Uint8Array(saltLength + ivLength);
      nonce.set(salt);
      nonce.set(body.subarray(0, ivLength), saltLength);
      const decryption = createDecipheriv(gcm, key, nonce, options).setAAD(associated).setAuthTag(body.subarray(-icvLength));
      const plaintext = decryption.update(body.subarray(ivLength, -icvLength));
      try {
        decryption.final();
      } catch {
        return undefined; // the ICV does not fit
      }
      return octets(plaintext);
    },
  };
}
