/** SK and SKF: messages under the keys of an IKE SA, whole or in fragments (RFC 7296 §3.14, RFC 5282 §3, §5.1, RFC 7383 §2.5). */
import { concat } from '../../core/bytes.ts';
import type { Random } from '../../core/random.ts';
import type { IkeKeys } from '../../crypto/ike-keys.ts';
import { wipe } from '../../crypto/secret.ts';
import type { CipherSuite, PacketCipher } from '../../crypto/types.ts';
import { encodePayloads, headLengths, protectedHead } from '../../wire/ike/codec.ts';
import type { FragmentNumber, IkeHeader, Payload, ProtectedIkeMessage } from '../../wire/ike/message.ts';

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
    return this.#seal(header, first, bytes);
  }

  /** The message as `seal` makes it where that has no more than `longest` octets; else its fragments, each no longer and with padding, IV and ICV of its own. */
  sealFitting(header: IkeHeader, payloads: readonly Payload[], longest: number): readonly Uint8Array[] {
    const { first, bytes } = encodePayloads(payloads);
    const { ivLength, icvLength, blockLength } = this.#outbound;
    const room = (head: number): number => Math.floor((longest - head - ivLength - icvLength) / blockLength) * blockLength - 1; // its pad length taken off
    if (bytes.length <= room(headLengths.SK)) return [this.#seal(header, first, bytes)];
    const chunk = room(headLengths.SKF);
    if (chunk < 1) throw new RangeError(`no fragment fits ${longest} octets`);
    const total = Math.ceil(bytes.length / chunk);
    // RFC 7383 §2.5: the first fragment says what the first payload is, the others say nothing
    return Array.from({ length: total }, (_, i) => this.#seal(header, i === 0 ? first : 0, bytes.subarray(i * chunk, (i + 1) * chunk), { number: i + 1, total }));
  }

  #seal(header: IkeHeader, first: number, content: Uint8Array, fragment?: FragmentNumber): Uint8Array {
    const plaintext = padded(content, this.#outbound.blockLength);
    const head = protectedHead(header, first, this.#outbound.ivLength + plaintext.length + this.#outbound.icvLength, fragment);
    return concat(head, this.#outbound.seal(plaintext, { associated: head, packetNumber: this.#packetNumber++, random: this.#random }));
  }

  /** The payloads' bytes, padding taken off; of a fragment its share of them. Undefined when the message is not the peer's. */
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
