import { createSecretKey } from 'node:crypto';
import { encryptionAlgorithms } from '../wire/ike/v1/message.ts';
import { aesCbc128, aesCbc256, cbcDecrypt, cbcEncrypt, tripleDesCbc } from './cbc.ts';
import type { Cbc } from './cbc.ts';

/** IKEv1's own protection of messages (RFC 2409 appendix B): CBC without IV on the wire and without a MAC. A HASH payload inside authenticates. */
export interface MessageCipher {
  /** As configurations and Wireshark's tables have it: `3des-cbc`, `aes-cbc-256`. */
  readonly name: string;
  readonly blockLength: number;
  /** Zeros are added to whole blocks. */
  encrypt(iv: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext with its padding; undefined for what is not whole blocks. Under a wrong key or IV it is noise: only a HASH tells. */
  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
}

/** What the attributes ENCRYPTION and KEY_LENGTH agree on. */
export interface MessageCipherSuite {
  readonly name: string;
  /** The attribute ENCRYPTION; `bits` is the attribute KEY_LENGTH, which 3DES does not take. */
  readonly id: number;
  readonly bits: 128 | 256 | undefined;
  /** In octets; what `encryptionKey` is to give. */
  readonly keyLength: number;
  readonly blockLength: number;
  create(key: Uint8Array): MessageCipher;
}

export type MessageCipherName = '3des-cbc' | 'aes-cbc';

const suites: readonly (MessageCipherSuite & { readonly encryption: MessageCipherName })[] = [
  suite('3des-cbc', encryptionAlgorithms['3DES-CBC'], undefined, tripleDesCbc),
  suite('aes-cbc', encryptionAlgorithms['AES-CBC'], 128, aesCbc128),
  suite('aes-cbc', encryptionAlgorithms['AES-CBC'], 256, aesCbc256),
];

/** The suite of a cipher named in a configuration. Throws for AES without a key length, and for 3DES with one. */
export function messageCipherSuite(encryption: MessageCipherName, bits: 128 | 256 | undefined): MessageCipherSuite {
  const found = suites.find((it) => it.encryption === encryption && it.bits === bits);
  if (found === undefined) throw new TypeError(`no such cipher: ${encryption}, ${bits ?? 'no'} key bits`);
  return found;
}

/** The suite that a peer's attributes name; undefined for one that the lab has not, and for AES without a key length (RFC 3602 §5.1). */
export const messageCipherSuiteById = (id: number, bits: number | undefined): MessageCipherSuite | undefined =>
  suites.find((it) => it.id === id && it.bits === bits);

/** The suite of this name, `aes-cbc-128`; undefined for one that the lab has not. */
export const messageCipherSuiteNamed = (name: string): MessageCipherSuite | undefined => suites.find((it) => it.name === name);

/** RFC 2409 appendix B: the next message of the exchange has the last block of this one's ciphertext for its IV. A copy. */
export const nextIv = ({ blockLength }: MessageCipher, ciphertext: Uint8Array): Uint8Array => ciphertext.slice(-blockLength);

function suite(encryption: MessageCipherName, id: number, bits: 128 | 256 | undefined, cbc: Cbc): MessageCipherSuite & { readonly encryption: MessageCipherName } {
  const { keyLength, blockLength } = cbc;
  const name = bits === undefined ? encryption : `${encryption}-${bits}`;
  return {
    encryption, name, id, bits, keyLength, blockLength,
    create: (octets) => {
      if (octets.length !== keyLength) throw new RangeError(`${name}: ${octets.length} octets of key`);
      const key = createSecretKey(octets); // a copy of its own, which OpenSSL cleanses when it goes
      return {
        name,
        blockLength,
        encrypt: (iv, plaintext) => {
          const padded = new Uint8Array(Math.ceil(plaintext.length / blockLength) * blockLength);
          padded.set(plaintext);
          return cbcEncrypt(cbc, key, iv, padded);
        },
        decrypt: (iv, ciphertext) => (ciphertext.length === 0 || ciphertext.length % blockLength !== 0 ? undefined : cbcDecrypt(cbc, key, iv, ciphertext)),
      };
    },
  };
}
