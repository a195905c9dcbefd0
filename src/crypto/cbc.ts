import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { octets } from './octets.ts';

/** A cipher in CBC mode, lengths in octets: AES (RFC 3602), 3DES (RFC 2451). */
export interface Cbc {
  readonly algorithm: 'aes-128-cbc' | 'aes-256-cbc' | 'des-ede3-cbc';
  readonly keyLength: number;
  readonly blockLength: number;
}

export const aesCbc128: Cbc = { algorithm: 'aes-128-cbc', keyLength: 16, blockLength: 16 };
export const aesCbc256: Cbc = { algorithm: 'aes-256-cbc', keyLength: 32, blockLength: 16 };
export const tripleDesCbc: Cbc = { algorithm: 'des-ede3-cbc', keyLength: 24, blockLength: 8 };

/** Whole blocks to as many octets of ciphertext. */
export function cbcEncrypt({ algorithm }: Cbc, key: KeyObject, iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const encryption = createCipheriv(algorithm, key, iv).setAutoPadding(false);
  const ciphertext = encryption.update(plaintext);
  encryption.final();
  return octets(ciphertext);
}

/** Whole blocks; whatever they are, they become something. */
export function cbcDecrypt({ algorithm }: Cbc, key: KeyObject, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const decryption = createDecipheriv(algorithm, key, iv).setAutoPadding(false);
  const plaintext = decryption.update(ciphertext);
  decryption.final();
  return octets(plaintext);
}
