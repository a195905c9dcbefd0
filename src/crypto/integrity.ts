/** HMACs cut to their first octets, as ESP, AH and IKE's SK payload have them (RFC 2403, RFC 2404, RFC 4868 §2.6). */
import { createHmac, createSecretKey } from 'node:crypto';
import { octets } from './octets.ts';
import type { IntegrityName } from './transforms.ts';
import type { KeyLengths } from './types.ts';

/** The key is as long as the hash. Lengths in octets. */
export interface TruncatedHmac {
  readonly hash: 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly keyLength: number;
  readonly icvLength: number;
}

export const truncatedHmacs: Readonly<Record<Exclude<IntegrityName, 'none'>, TruncatedHmac>> = {
  'hmac-md5-96': { hash: 'md5', keyLength: 16, icvLength: 12 },
  'hmac-sha1-96': { hash: 'sha1', keyLength: 20, icvLength: 12 },
  'hmac-sha2-256-128': { hash: 'sha256', keyLength: 32, icvLength: 16 },
  'hmac-sha2-384-192': { hash: 'sha384', keyLength: 48, icvLength: 24 },
  'hmac-sha2-512-256': { hash: 'sha512', keyLength: 64, icvLength: 32 },
};

/** What AH needs of a negotiated integrity transform. */
export const ahKeyLengths = (name: keyof typeof truncatedHmacs): KeyLengths => ({ encryptionKeyLength: 0, integrityKeyLength: truncatedHmacs[name].keyLength });

/** An HMAC with its key in it. */
export interface Mac {
  readonly icvLength: number;
  compute(...data: readonly Uint8Array[]): Uint8Array;
}

/** Throws on a key of another length than the algorithm's. */
export function mac(name: keyof typeof truncatedHmacs, key: Uint8Array): Mac {
  const { hash, keyLength, icvLength } = truncatedHmacs[name];
  if (key.length !== keyLength) throw new RangeError(`${name}: ${key.length} octets of key`);
  const secret = createSecretKey(key); // a copy of its own, which OpenSSL cleanses when it goes
  return {
    icvLength,
    compute: (...data) => {
      const hmac = createHmac(hash, secret);
      for (const part of data) hmac.update(part);
      return octets(hmac.digest()).subarray(0, icvLength);
    },
  };
}
