/** Messages of phase 2 begin with a hash over what follows, made with SKEYID_a: that is what they are believed by (RFC 2409 §5.5, §5.7). */
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import { hash1 } from '../../crypto/ike-v1-authentication.ts';
import { sameSecret } from '../../crypto/secret.ts';
import { behindFirst, encodePayloads } from '../../wire/ike/v1/codec.ts';
import type { Payload } from '../../wire/ike/v1/message.ts';
import type { Received } from './exchange.ts';
import type { IsakmpSa } from './sa.ts';

/** HASH of the octets of all that comes behind it. */
export type HashOver = (rest: Uint8Array) => Uint8Array;

export const hashOne = ({ algorithms, keys }: IsakmpSa, messageId: number): HashOver => (rest) => hash1(algorithms!.hash.prf, keys!.skeyidA, messageId, rest);

/** HASH, and then the payloads that it covers. */
export const behindHash = (hash: HashOver, payloads: readonly Payload[]): Payload[] => [{ type: 'HASH', data: hash(encodePayloads(payloads).bytes) }, ...payloads];

/** What stands behind a HASH that fits. Refuses what is in the clear, what has no HASH in front (RFC 2409 §5.5), and what somebody else wrote. */
export function openHashed(received: Received, hash: HashOver): Decoded<Received> {
  const [first, ...payloads] = received.payloads;
  if (!received.header.flags.encryption) return refused('isakmp-unprotected', 'in the clear, so not believed');
  if (first?.type !== 'HASH') return refused('isakmp-payloads', 'it does not begin with a HASH');
  const rest = behindFirst(received);
  if (!sameSecret(first.data, hash(rest))) return refused('isakmp-authentication', 'its HASH is not what the peer would have made of it');
  return decoded({ ...received, payloads, bodies: received.bodies.slice(1), bytes: rest });
}
