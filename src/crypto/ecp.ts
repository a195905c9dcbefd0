import { createECDH } from 'node:crypto';
import { concat, fromHex } from '../core/bytes.ts';
import type { Random } from '../core/random.ts';
import { octets } from './octets.ts';
import { dhGroupIds } from './transforms.ts';
import type { DhGroupName } from './transforms.ts';
import type { DhGroup } from './types.ts';

export const ecp256 = (): DhGroup => ecp('ecp-256', 'prime256v1', 'ffffffff00000000 ffffffffffffffff bce6faada7179e84 f3b9cac2fc632551');
export const ecp384 = (): DhGroup =>
  ecp('ecp-384', 'secp384r1', 'ffffffffffffffff ffffffffffffffff ffffffffffffffff c7634d81f4372ddf 581a0db248b0a77a ecec196accc52973');

/** SEC 1 §2.3.3: what stands in front of x | y; IKE leaves it out (RFC 5903 §7). */
const uncompressed = Uint8Array.of(4);

/** A group of RFC 5903: the public value is x | y, the secret x alone (§7, §9). `order` is the number n of §3. */
function ecp(name: DhGroupName, curve: string, order: string): DhGroup {
  const n = fromHex(order);
  const publicLength = 2 * n.length;
  return {
    name,
    id: dhGroupIds[name],
    publicLength,
    generate: (random) => {
      const ecdh = createECDH(curve);
      ecdh.setPrivateKey(privateKey(random, n));
      return {
        publicValue: octets(ecdh.getPublicKey()).subarray(1),
        agree: (peer) => {
          if (peer.length !== publicLength) return undefined;
          try {
            return octets(ecdh.computeSecret(concat(uncompressed, peer)));
          } catch {
            return undefined; // RFC 6989 §2.3: the point is not on the curve
          }
        },
      };
    },
  };
}

/** Uniform in 1 … n−1, by drawing again. */
function privateKey(random: Random, n: Uint8Array): Uint8Array {
  for (;;) {
    const drawn = random.bytes(n.length);
    if (Buffer.compare(drawn, n) < 0 && drawn.some((octet) => octet !== 0)) return drawn;
  }
}
