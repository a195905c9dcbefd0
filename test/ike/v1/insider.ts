/** Somebody who holds the key of an ISAKMP SA: reads what went by, and writes what our own daemon would never write. */
import { fromHex } from '../../../src/core/bytes.ts';
import { hash } from '../../../src/crypto/hash.ts';
import { messageCipherSuite, nextIv, type MessageCipher } from '../../../src/crypto/ike-v1-cipher.ts';
import { phaseTwoIv } from '../../../src/crypto/ike-v1-keys.ts';
import { decodeMessage, decodePayloads } from '../../../src/wire/ike/v1/codec.ts';
import type { EncryptedMessage, PayloadChain } from '../../../src/wire/ike/v1/message.ts';
import type { Datagram, Pair } from '../../support/pair.ts';

/** The pair's usual algorithms: AES-CBC-128 and SHA-1. */
export function cipherOf({ alice }: Pair): MessageCipher {
  return messageCipherSuite('aes-cbc', 128).create(fromHex(alice.events('isakmp-keys').at(-1)!.encryptionKey));
}

export function encrypted({ payload }: Datagram): EncryptedMessage {
  const message = decodeMessage(payload.subarray(0, 4).every((octet) => octet === 0) ? payload.subarray(4) : payload);
  if (!message.ok || !('ciphertext' in message.value)) throw new Error('not an encrypted message');
  return message.value;
}

/** The last block of phase 1: of its last message, the one before the first of phase 2. */
export function lastBlockOfPhaseOne(two: Pair, wire: readonly Datagram[]): Uint8Array {
  const last = wire.filter(({ payload }) => payload.length > 32).map((datagram) => decodeMessage(datagram.payload.subarray(0, 4).every((octet) => octet === 0) ? datagram.payload.subarray(4) : datagram.payload))
    .flatMap((message) => (message.ok && 'ciphertext' in message.value && message.value.header.messageId === 0 ? [message.value] : [])).at(-1)!;
  return nextIv(cipherOf(two), last.ciphertext);
}

/** What stands inside the first message of an exchange of phase 2. */
export function opened(two: Pair, datagram: Datagram, wire: readonly Datagram[]): PayloadChain {
  const message = encrypted(datagram);
  const cipher = cipherOf(two);
  const plaintext = cipher.decrypt(phaseTwoIv(hash('sha1'), lastBlockOfPhaseOne(two, wire), message.header.messageId, cipher.blockLength), message.ciphertext);
  const chain = plaintext && decodePayloads(message.first, plaintext);
  if (chain?.ok !== true) throw new Error('not with this key');
  return chain.value;
}
