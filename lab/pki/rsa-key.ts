import { checkPrimeSync, createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Random } from '../../src/core/random.ts';

export interface RsaKeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const e = 65537n;

/**
 * An RSA key made of the chance that was handed in: node's own generator takes none, and the same seed shall give the same key. As good as that
 * chance is, and no better: seeded ones are for the lab alone. About 50 ms for 2048 bits.
 */
export function rsaKeyPair(random: Random, bits = 2048): RsaKeyPair {
  const p = prime(random, bits / 2);
  let q = prime(random, bits / 2);
  while (q === p) q = prime(random, bits / 2);
  const d = inverse(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const privateKey = createPrivateKey({ key: { kty: 'RSA', ...base64urls(numbers) }, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** What most candidates are divisible by; trying these first spares nearly all of the costly tests. */
const smallPrimes = Array.from({ length: 1000 }, (_, i) => 2 * i + 3).filter((n, _, odds) => odds.every((divisor) => divisor * divisor > n || n % divisor !== 0));

/** The first prime from a random odd number on that fits e; its two top bits are set, so that two of them make a modulus of full length (FIPS 186-5 §A.1.3). */
function prime(random: Random, bits: number): bigint {
  const drawn = random.bytes(bits / 8);
  drawn[0]! |= 0b1100_0000;
  drawn[drawn.length - 1]! |= 1;
  const start = BigInt(`0x${Buffer.from(drawn).toString('hex')}`);
  const remainders = smallPrimes.map((small) => Number(start % BigInt(small)));
  for (let step = 0; ; step += 2) {
    if (smallPrimes.some((small, i) => (remainders[i]! + step) % small === 0)) continue;
    const candidate = start + BigInt(step);
    if (candidate % e !== 1n && checkPrimeSync(candidate)) return candidate;
  }
}

/** The inverse of a modulo m by Euclid's algorithm. */
function inverse(a: bigint, m: bigint): bigint {
  let [r, nextR, t, nextT] = [m, a, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR, t, nextT] = [nextR, r - quotient * nextR, nextT, t - quotient * nextT];
  }
  return t < 0n ? t + m : t;
}

/** RFC 7518 §6.3: big-endian without leading zeros. */
const base64urls = (numbers: Readonly<Record<string, bigint>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(numbers).map(([name, number]) => {
      const digits = number.toString(16);
      return [name, Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex').toString('base64url')];
    }),
  );
