/** A captured IKEv1 conversation, opened with the key that its initiator has told: every message with its payloads, and what its hashes are made over. */
import { messageCipherSuite, nextIv } from '../../src/crypto/ike-v1-cipher.ts';
import { phaseTwoIv } from '../../src/crypto/ike-v1-keys.ts';
import { hash } from '../../src/crypto/hash.ts';
import { decodeMessage, decodePayloads } from '../../src/wire/ike/v1/codec.ts';
import type { ClearMessage } from '../../src/wire/ike/v1/message.ts';
import type { CapturedMessage, Conversation } from '../vectors/strongswan-ikev1.ts';

export interface OpenedMessage extends ClearMessage {
  readonly captured: CapturedMessage;
  /** With its padding; undefined of a message in the clear. */
  readonly plaintext: Uint8Array | undefined;
}

/** In the order of the wire, with the IVs of RFC 2409 appendix B. Throws for what does not decode. */
export function openConversation({ hash: hashName, cipher: cipherName, bits, secrets, messages }: Conversation): readonly OpenedMessage[] {
  const cipher = messageCipherSuite(cipherName, bits).create(secrets.encryptionKey);
  let phaseOne = secrets.initialIv;
  const phaseTwo = new Map<number, Uint8Array>();
  return messages.map((captured) => {
    const decoded = decodeMessage(captured.bytes);
    if (!decoded.ok) throw new Error(decoded.detail);
    const message = decoded.value;
    if (!('ciphertext' in message)) return { ...message, captured, plaintext: undefined };
    const { header, first, ciphertext } = message;
    const iv = header.messageId === 0 ? phaseOne : (phaseTwo.get(header.messageId) ?? phaseTwoIv(hash(hashName), phaseOne, header.messageId, cipher.blockLength));
    const plaintext = cipher.decrypt(iv, ciphertext);
    if (plaintext === undefined) throw new Error(`${captured.summary}: not whole blocks`);
    if (header.messageId === 0) phaseOne = nextIv(cipher, ciphertext);
    else phaseTwo.set(header.messageId, nextIv(cipher, ciphertext));
    const inside = decodePayloads(first, plaintext);
    if (!inside.ok) throw new Error(`${captured.summary}: ${inside.detail}`);
    return { header, ...inside.value, captured, plaintext };
  });
}
