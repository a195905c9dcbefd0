import { createDiffieHellman, getDiffieHellman } from 'node:crypto';
import type { DiffieHellman } from 'node:crypto';
import type { Random } from '../core/random.ts';
import { octets } from './octets.ts';
import { dhGroupIds } from './transforms.ts';
import type { DhGroupName } from './transforms.ts';
import type { DhGroup } from './types.ts';

/** RFC 3526 §8: exponents of the 1536-bit group have 180 to 240 bits, of the 2048-bit group 220 to 320. */
export const modp1024 = (): DhGroup => modp('modp-1024', 'modp2', 30);
export const modp1536 = (): DhGroup => modp('modp-1536', 'modp5', 30);
export const modp2048 = (): DhGroup => modp('modp-2048', 'modp14', 40);

/**
 * A group of RFC 2409 §6.2 or RFC 3526 §2, §3. Public values and the secret are as long as the prime, with zeros in front where they are smaller
 * (RFC 2409 §5, RFC 7296 §2.14, §3.4).
 */
function modp(name: DhGroupName, wellKnown: string, exponentLength: number): DhGroup {
  const prime = getDiffieHellman(wellKnown).getPrime();
  const one = padded(Buffer.of(1), prime.length);
  const primeMinusOne = prime.map((octet, at) => octet - one[at]!); // a prime is odd: nothing is borrowed
  // Not getDiffieHellman(): its private key cannot be set. One for all pairs, made when it is needed: OpenSSL does not know the 1024-bit prime and tests it.
  let shared: DiffieHellman | undefined;
  const withKey = (privateKey: Uint8Array): DiffieHellman => {
    shared ??= createDiffieHellman(prime, 2);
    shared.setPrivateKey(privateKey);
    return shared;
  };
  return {
    name,
    id: dhGroupIds[name],
    publicLength: prime.length,
    generate: (random) => {
      const exponent = privateKey(random, exponentLength);
      return {
        publicValue: padded(withKey(exponent).generateKeys(), prime.length),
        agree: (peer) => {
          // RFC 6989 §2.1. OpenSSL refuses 0, 1 and p − 1 only, and takes what is larger modulo p.
          const valid = peer.length === prime.length && Buffer.compare(peer, one) > 0 && Buffer.compare(peer, primeMinusOne) < 0;
          if (!valid) return undefined;
          try {
            return padded(withKey(exponent).computeSecret(peer), prime.length);
          } catch {
            return undefined; // an OpenSSL that wants the value to lie in the subgroup of g as well
          }
        },
      };
    },
  };
}

/** Uniform in 2 … 2^(8 · length) − 1, by drawing again. */
function privateKey(random: Random, length: number): Uint8Array {
  for (;;) {
    const drawn = random.bytes(length);
    if (drawn.some((octet, at) => octet > (at === length - 1 ? 1 : 0))) return drawn;
  }
}

function padded(number: Buffer, length: number): Uint8Array {
  if (number.length === length) return octets(number);
  const whole = new Uint8Array(length);
  whole.set(number, length - number.length);
  return whole;
}
