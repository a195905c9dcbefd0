import { createDiffieHellman, getDiffieHellman } from 'node:crypto';
import type { Random } from '../core/random.ts';
import { octets } from './octets.ts';
import { dhGroupIds } from './transforms.ts';
import type { DhGroup } from './types.ts';

/** RFC 3526 §8: exponents of the 2048-bit group have 220 to 320 bits. */
const exponentLength = 40;

/**
 * The MODP group of RFC 3526 §3. Public values and the secret are as long as the prime, with zeros in front where they are smaller
 * (RFC 7296 §2.14, §3.4).
 */
export function modp2048(): DhGroup {
  const prime = getDiffieHellman('modp14').getPrime();
  const one = padded(Buffer.of(1), prime.length);
  const primeMinusOne = prime.map((octet, at) => octet - one[at]!); // a prime is odd: nothing is borrowed
  return {
    name: 'modp-2048',
    id: dhGroupIds['modp-2048'],
    publicLength: prime.length,
    generate: (random) => {
      // Not getDiffieHellman(): its private key cannot be set. OpenSSL knows the prime, so it is not tested once more.
      const dh = createDiffieHellman(prime, 2);
      dh.setPrivateKey(privateKey(random));
      return {
        publicValue: padded(dh.generateKeys(), prime.length),
        agree: (peer) => {
          // RFC 6989 §2.1. OpenSSL refuses 0, 1 and p − 1 only, and takes what is larger modulo p.
          const valid = peer.length === prime.length && Buffer.compare(peer, one) > 0 && Buffer.compare(peer, primeMinusOne) < 0;
          if (!valid) return undefined;
          try {
            return padded(dh.computeSecret(peer), prime.length);
          } catch {
            return undefined; // an OpenSSL that wants the value to lie in the subgroup of g as well
          }
        },
      };
    },
  };
}

/** Uniform in 2 … 2³²⁰−1, by drawing again. */
function privateKey(random: Random): Uint8Array {
  for (;;) {
    const drawn = random.bytes(exponentLength);
    if (drawn.some((octet, at) => octet > (at === exponentLength - 1 ? 1 : 0))) return drawn;
  }
}

function padded(number: Buffer, length: number): Uint8Array {
  if (number.length === length) return octets(number);
  const whole = new Uint8Array(length);
  whole.set(number, length - number.length);
  return whole;
}
