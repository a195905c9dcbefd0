import { createHash } from 'node:crypto';
import { hashAlgorithms } from '../wire/ike/v1/message.ts';
import { octets } from './octets.ts';
import { prf } from './prf.ts';
import type { PrfName } from './transforms.ts';
import type { Hash, HashName } from './types.ts';

const hashes: Record<HashName, Hash> = {
  md5: hashing('md5', hashAlgorithms.MD5, 'md5', 16, 'hmac-md5'),
  sha1: hashing('sha1', hashAlgorithms.SHA1, 'sha1', 20, 'hmac-sha1'),
  'sha2-256': hashing('sha2-256', hashAlgorithms['SHA2-256'], 'sha256', 32, 'hmac-sha2-256'),
  'sha2-384': hashing('sha2-384', hashAlgorithms['SHA2-384'], 'sha384', 48, 'hmac-sha2-384'),
  'sha2-512': hashing('sha2-512', hashAlgorithms['SHA2-512'], 'sha512', 64, 'hmac-sha2-512'),
};

export const hash = (name: HashName): Hash => hashes[name];

/** The hash that a peer's attribute names (RFC 2409 appendix A); undefined for one that the lab has not. */
export const hashById = (id: number): Hash | undefined => Object.values(hashes).find((candidate) => candidate.id === id);

function hashing(name: HashName, id: number, algorithm: string, length: number, hmac: PrfName): Hash {
  return {
    name,
    id,
    length,
    prf: prf(hmac),
    digest: (...data) => {
      const digest = createHash(algorithm);
      for (const part of data) digest.update(part);
      return octets(digest.digest());
    },
  };
}
