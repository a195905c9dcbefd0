import { createDiffieHellman, getDiffieHellman } from 'node:crypto';
import { octets } from './octets.ts';
import { dhGroupIds } from './transforms.ts';
import type { DhGroup } from './types.ts';

/** RFC 3526 §8: exponents of the 2048-bit group have 220 to 320 bits. */
const exponentLength = 40;

/** The MODP group of RFC 3526 §3. Values of the KE payload and the secret have the length of the prime, zeros in front (RFC 7296 §2.14, §3.4). */
export function modp2048(): DhGroup {
  const prime = getDiffieHellman('modp14').getPrime();
  return {
    name: 'modp-2048',
    id: dhGroupIds['modp-2048'],
    publicLength: prime.length,
    generate: (random) => {
      let exponent = random.bytes(exponentLength);
      while (isBelowTwo(exponent)) exponent = random.bytes(exponentLength);
      // Not getDiffieHellman(): its private key cannot be set. OpenSSL knows the prime, so it is not tested once more.
      const dh = createDiffieHellman(prime, 2);
      dh.setPrivateKey(exponent);
      return {
        publicValue: padded(dh.generateKeys(), prime.length),
        agree: (peer) => {
          if (peer.length !== prime.length) return undefined;
          try {
            return padded(dh.computeSecret(peer), prime.length);
          } catch {
            return undefined; // RFC 6989 §2.1: OpenSSL wants 1 < y < p − 1
          }
        },
      };
    },
  };
}

const isBelowTwo = (exponent: Uint8Array): boolean => exponent.every((octet, i) => octet === 0 || (octet === 1 && i === exponent.length - 1));

function padded(number: Buffer, length: number): Uint8Array {
  if (number.length === length) return octets(number);
  const whole = new Uint8Array(length);
  whole.set(number, length - number.length);
  return whole;
}
