/** Phase 1 of IKEv1 as an onlooker with the keys of the trace reads it (RFC 2409 §5): who has recorded the run may open its messages. */
import { fromHex } from '../../src/core/bytes.ts';
import { hashById } from '../../src/crypto/hash.ts';
import { messageCipherSuiteNamed } from '../../src/crypto/ike-v1-cipher.ts';
import { phaseOneIv } from '../../src/crypto/ike-v1-keys.ts';
import type { Hash } from '../../src/crypto/types.ts';
import type { Trace } from '../../src/trace/trace.ts';
import { decodeMessage, decodePayloads } from '../../src/wire/ike/v1/codec.ts';
import { exchangeTypes, phaseOneAttributes } from '../../src/wire/ike/v1/message.ts';
import type { Payload } from '../../src/wire/ike/v1/message.ts';
import { isIke, seenAt } from './wire.ts';
import type { SeenIke } from './wire.ts';

/** What stands in the clear; of an encrypted message nothing. */
export function clearPayloads({ content }: SeenIke): readonly Payload[] {
  const read = decodeMessage(content.message);
  return read.ok && 'payloads' in read.value ? read.value.payloads : [];
}

export const isEncrypted = ({ content }: SeenIke): boolean => (content.message[19]! & 1) !== 0;

/** The hash that the two agreed on, read from the answer of whoever chose; undefined when nobody answered. */
export function negotiatedHash(trace: Trace, message: SeenIke): Hash | undefined {
  const chosen = phaseOne(trace, message).findLast((seen) => clearPayloads(seen).some(({ type }) => type === 'SA'));
  const [transform] = (chosen ? clearPayloads(chosen) : []).flatMap((payload) => (payload.type === 'SA' ? payload.proposals.flatMap(({ transforms }) => transforms) : []));
  const id = transform?.attributes.find(({ type }) => type === phaseOneAttributes.HASH)?.value;
  return typeof id === 'number' ? hashById(id) : undefined;
}

/** The payloads of the first encrypted message of phase 1, by the key that its sender told the trace (RFC 2409 appendix B). */
export function openedPayloads(trace: Trace, message: SeenIke): readonly Payload[] {
  const { sa } = message.content;
  const keys = trace.of('isakmp-keys').find(({ body }) => body.initiatorSpi === sa)?.body;
  const [keI, keR] = phaseOne(trace, message).flatMap((seen) => clearPayloads(seen).flatMap((payload) => (payload.type === 'KE' ? [payload.data] : [])));
  const hash = negotiatedHash(trace, message);
  const read = decodeMessage(message.content.message);
  if (keys === undefined || keI === undefined || keR === undefined || hash === undefined || !read.ok || !('ciphertext' in read.value)) return [];
  const cipher = messageCipherSuiteNamed(keys.encryption)?.create(fromHex(keys.encryptionKey));
  const plaintext = cipher?.decrypt(phaseOneIv(hash, keI, keR, cipher.blockLength), read.value.ciphertext);
  const opened = plaintext && decodePayloads(read.value.first, plaintext);
  return opened?.ok ? opened.value.payloads : [];
}

/** The messages of the same phase 1 as their senders sent them, each once. */
function phaseOne(trace: Trace, { content, event }: SeenIke): readonly SeenIke[] {
  return seenAt(trace, { node: event.node })
    .filter(isIke)
    .filter((seen) => seen.content.sa === content.sa && (seen.content.header.exchange === exchangeTypes.MAIN_MODE || seen.content.header.exchange === exchangeTypes.AGGRESSIVE_MODE));
}
