import { createHmac } from 'node:crypto';
import { concat } from '../core/bytes.ts';
import { octets } from './octets.ts';
import { prfIds } from './transforms.ts';
import type { PrfName } from './transforms.ts';
import type { Prf } from './types.ts';

const prfs: Record<PrfName, Prf> = {
  'hmac-md5': hmac('hmac-md5', 'md5', 16),
  'hmac-sha1': hmac('hmac-sha1', 'sha1', 20),
  'hmac-sha2-256': hmac('hmac-sha2-256', 'sha256', 32),
  'hmac-sha2-384': hmac('hmac-sha2-384', 'sha384', 48),
  'hmac-sha2-512': hmac('hmac-sha2-512', 'sha512', 64),
};

export const prf = (name: PrfName): Prf => prfs[name];

/** The PRF that a peer's transform ID names; undefined for one that the lab has not. */
export const prfById = (id: number): Prf | undefined => Object.values(prfs).find((candidate) => candidate.id === id);

/**
 * prf+ (RFC 7296 §2.13): T1 | T2 | … cut to `length` octets, where Tn = prf(key, Tn−1 | seed | n). The counter is one octet: more than
 * 255 rounds throw.
 */
export function prfPlus(prf: Prf, key: Uint8Array, seed: Uint8Array, length: number): Uint8Array {
  const rounds = Math.ceil(length / prf.length);
  if (rounds > 255) throw new RangeError(`prf+ gives at most 255 blocks, not ${rounds}`);
  const blocks: Uint8Array[] = [];
  for (let n = 1; n <= rounds; n++) blocks.push(prf.compute(key, blocks.at(-1) ?? new Uint8Array(0), seed, Uint8Array.of(n)));
  return concat(...blocks).subarray(0, length);
}

function hmac(name: PrfName, hash: string, length: number): Prf {
  return {
    name,
    id: prfIds[name],
    length,
    compute: (key, ...data) => {
      const mac = createHmac(hash, key);
      for (const part of data) mac.update(part);
      return octets(mac.digest());
    },
  };
}
