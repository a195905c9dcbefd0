/** What the cryptographic floor offers to the IKE daemon and the ESP stack. */
import type { Random } from '../core/random.ts';

/** A pseudo-random function of IKE (RFC 7296 §2.13, RFC 2409 §4). */
export interface Prf {
  readonly name: string;
  /** The IKEv2 transform ID. */
  readonly id: number;
  /** Preferred key and output length in octets: they are equal for all HMACs. */
  readonly length: number;
  compute(key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array;
}

export type HashName = 'md5' | 'sha1' | 'sha2-256' | 'sha2-384' | 'sha2-512';

/** A hash that phase 1 of IKEv1 negotiates. */
export interface Hash {
  readonly name: HashName;
  /** The attribute HASH (RFC 2409 appendix A). */
  readonly id: number;
  readonly length: number;
  /** Its HMAC: the PRF where none is negotiated (RFC 2409 §4). */
  readonly prf: Prf;
  digest(...data: readonly Uint8Array[]): Uint8Array;
}

/** A Diffie-Hellman group of IKE. Public values have the fixed length of the KE payload. */
export interface DhGroup {
  readonly name: string;
  readonly id: number;
  readonly publicLength: number;
  /** A fresh key pair; the same randomness gives the same pair. */
  generate(random: Random): DhKeyPair;
}

export interface DhKeyPair {
  readonly publicValue: Uint8Array;
  /** The shared secret; undefined when the peer's value is not a valid one of the group (RFC 6989). */
  agree(peerPublicValue: Uint8Array): Uint8Array | undefined;
}

/**
 * How packets of one kind are protected: an AEAD, or a cipher with an HMAC behind it. One shape serves IKE's SK payload and ESP, whose
 * bodies both read IV | ciphertext | ICV.
 */
export interface PacketCipher {
  readonly name: string;
  readonly ivLength: number;
  readonly icvLength: number;
  /** The plaintext, padding included, must be a multiple of this. */
  readonly blockLength: number;
  /**
   * IV | ciphertext | ICV. `associated` is what stands in front of the body and is authenticated with it. `trailing` is authenticated
   * but not sent: ESP's high sequence bits under an HMAC (RFC 4303 §2.2.1); AEADs get them inside `associated` (RFC 4106 §5).
   * `packetNumber` makes the IV of an AEAD, where it must never repeat; a CBC IV is drawn from `random`.
   */
  seal(plaintext: Uint8Array, context: { associated: Uint8Array; trailing?: Uint8Array; packetNumber: bigint; random: Random }): Uint8Array;
  /** The plaintext with its padding; undefined when the ICV does not fit or the lengths are wrong. Never throws. */
  open(body: Uint8Array, context: { associated: Uint8Array; trailing?: Uint8Array }): Uint8Array | undefined;
}

/** Octets of encryption key, an AEAD's salt included, 0 for AH; octets of integrity key, 0 for an AEAD. */
export interface KeyLengths {
  readonly encryptionKeyLength: number;
  readonly integrityKeyLength: number;
}

/** What a negotiated pair of transforms needs and makes. `integrity` is undefined for AEADs. */
export interface CipherSuite extends KeyLengths {
  readonly name: string;
  readonly aead: boolean;
  create(encryptionKey: Uint8Array, integrityKey: Uint8Array): PacketCipher;
}
