/** SK: messages under the keys of an IKE SA (RFC 7296 §3.14, RFC 5282 §3, §5.1). */
import { concat } from '../../core/bytes.ts';
import type { Random } from '../../core/random.ts';
import type { IkeKeys } from '../../crypto/ike-keys.ts';
import { wipe } from '../../crypto/secret.ts';
import type { CipherSuite, PacketCipher } from '../../crypto/types.ts';
import { encodePayloads, protectedHead } from '../../wire/ike/codec.ts';
import type { IkeHeader, Payload, ProtectedIkeMessage } from '../../wire/ike/message.ts';

/** Protects what one side sends and opens what the other sent. */
export class Protection {
  readonly keys: IkeKeys;
  readonly #outbound: PacketCipher;
  readonly #inbound: PacketCipher;
  readonly #random: Random;
  /** Makes the IVs of an AEAD: it counts messages that are made, not message IDs, which requests and answers share. */
  #packetNumber = 0n;

  constructor(suite: CipherSuite, keys: IkeKeys, role: 'initiator' | 'responder', random: Random) {
    const initiator = suite.create(keys.skEi, keys.skAi);
    const responder = suite.create(keys.skEr, keys.skAr);
    this.keys = keys;
    this.#outbound = role === 'initiator' ? initiator : responder;
    this.#inbound = role === 'initiator' ? responder : initiator;
    this.#random = random;
  }

  seal(header: IkeHeader, payloads: readonly Payload[]): Uint8Array {
    const { first, bytes } = encodePayloads(payloads);
    const plaintext = padded(bytes, this.#outbound.blockLength);
    const head = protectedHead(header, first, this.#outbound.ivLength + plaintext.length + this.#outbound.icvLength);
    return concat(head, this.#outbound.seal(plaintext, { associated: head, packetNumber: this.#packetNumber++, random: this.#random }));
  }

  /** The payloads' bytes, padding taken off; undefined when the message is not the peer's. */
  open({ bytes, bodyAt }: ProtectedIkeMessage): Uint8Array | undefined {
    const plaintext = this.#inbound.open(bytes.subarray(bodyAt), { associated: bytes.subarray(0, bodyAt) });
    const padding = plaintext?.at(-1);
    if (plaintext === undefined || padding === undefined || padding + 1 > plaintext.length) return undefined;
    return plaintext.subarray(0, plaintext.length - padding - 1);
  }

  wipe(): void {
    wipe(...Object.values(this.keys) as Uint8Array[]);
  }
}

/** Padding, then its length in the last octet; zeros, as its contents do not matter (RFC 7296 §3.14). */
function padded(bytes: Uint8Array, block: number): Uint8Array {
  const length = Math.ceil((bytes.length + 1) / block) * block;
  const plaintext = new Uint8Array(length);
  plaintext.set(bytes);
  plaintext[length - 1] = length - bytes.length - 1;
  return plaintext;
}
