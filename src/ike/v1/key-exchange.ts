/** Diffie-Hellman values, nonces and NAT detection: messages 3 and 4 of main mode, 1 and 2 of aggressive mode (RFC 2409 §5, RFC 3947 §3.2). */
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import type { DhGroup, DhKeyPair } from '../../crypto/types.ts';
import type { Payload, PayloadChain } from '../../wire/ike/v1/message.ts';
import { only } from './payloads.ts';

export interface KeyExchange {
  readonly publicValue: Uint8Array;
  readonly nonce: Uint8Array;
  readonly sharedSecret: Uint8Array;
}

export const keyExchangePayloads = (publicValue: Uint8Array, nonce: Uint8Array): Payload[] => [{ type: 'KE', data: publicValue }, { type: 'Nonce', data: nonce }];

/** Refuses a public value that is none of the group (RFC 6989). */
export function readKeyExchange(chain: Pick<PayloadChain, 'payloads'>, group: DhGroup, keyPair: DhKeyPair): Decoded<KeyExchange> {
  const [ke, nonce] = [only(chain, 'KE')?.data, only(chain, 'Nonce')?.data];
  if (ke === undefined || nonce === undefined) return refused('isakmp-payloads', 'KE or nonce is missing, or there twice');
  const sharedSecret = keyPair.agree(ke);
  if (sharedSecret === undefined) return refused('isakmp-payloads', `the Diffie-Hellman value is not one of group ${group.id}`);
  return decoded({ publicValue: ke.slice(), nonce: nonce.slice(), sharedSecret });
}
