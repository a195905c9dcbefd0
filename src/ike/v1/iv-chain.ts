/** The initial vectors of one exchange: each message is encrypted behind the last block of the one before (RFC 2409 appendix B). */
import type { Decoded } from '../../core/decoded.ts';
import { refused } from '../../core/decoded.ts';
import { nextIv, type MessageCipher } from '../../crypto/ike-v1-cipher.ts';
import { decodePayloads, encodeEncrypted, encodePayloads } from '../../wire/ike/v1/codec.ts';
import type { EncryptedMessage, IsakmpHeader, Payload, PayloadChain } from '../../wire/ike/v1/message.ts';

export class IvChain {
  readonly #cipher: MessageCipher;
  #iv: Uint8Array;

  constructor(cipher: MessageCipher, iv: Uint8Array) {
    this.#cipher = cipher;
    this.#iv = iv;
  }

  /** The last block that went either way; before there was one, what the first message is encrypted with. */
  get last(): Uint8Array {
    return this.#iv;
  }

  seal(header: IsakmpHeader, payloads: readonly Payload[]): Uint8Array {
    const { first, bytes } = encodePayloads(payloads);
    const ciphertext = this.#cipher.encrypt(this.#iv, bytes);
    this.#iv = nextIv(this.#cipher, ciphertext);
    return encodeEncrypted({ header, first, ciphertext });
  }

  /** What stands inside. Who wrote it is not known by that: there is no MAC, and what was encrypted with another key reads like noise. */
  open({ first, ciphertext }: EncryptedMessage): Decoded<PayloadChain> {
    const plaintext = this.#cipher.decrypt(this.#iv, ciphertext);
    return plaintext === undefined ? refused('isakmp-malformed', `${ciphertext.length} octets of ciphertext are not whole blocks`) : decodePayloads(first, plaintext);
  }

  /** The message is believed: the next one is chained to it. */
  follow({ ciphertext }: EncryptedMessage): void {
    this.#iv = nextIv(this.#cipher, ciphertext);
  }
}
