/** Keys and initial vectors of IKEv1 (RFC 2409 §5, §5.5, appendix B). */
import { concat } from '../core/bytes.ts';
import type { SaKeys } from './ike-keys.ts';
import { cutter } from './octets.ts';
import type { Hash, KeyLengths, Prf } from './types.ts';

/** What the first messages of phase 1 have agreed on. Nonces are the bodies of their payloads, the shared secret is g^xy. */
export interface PhaseOneExchange {
  readonly prf: Prf;
  readonly sharedSecret: Uint8Array;
  readonly nonceI: Uint8Array;
  readonly nonceR: Uint8Array;
  /** 8 octets each. */
  readonly cookieI: Uint8Array;
  readonly cookieR: Uint8Array;
}

/** The secrets of an ISAKMP SA (RFC 2409 §5): SKEYID authenticates phase 1, _d makes keys of other SAs, _a authenticates phase 2, _e encrypts. */
export interface PhaseOneKeys {
  readonly skeyid: Uint8Array;
  readonly skeyidD: Uint8Array;
  readonly skeyidA: Uint8Array;
  readonly skeyidE: Uint8Array;
}

/** SKEYID = prf(pre-shared key, Ni_b | Nr_b) (RFC 2409 §5). */
export const preSharedKeySkeyid = ({ prf, nonceI, nonceR }: PhaseOneExchange, preSharedKey: Uint8Array): Uint8Array =>
  prf.compute(preSharedKey, nonceI, nonceR);

/** SKEYID = prf(Ni_b | Nr_b, g^xy), of authentication with signatures (RFC 2409 §5). */
export const signatureSkeyid = ({ prf, sharedSecret, nonceI, nonceR }: PhaseOneExchange): Uint8Array => prf.compute(concat(nonceI, nonceR), sharedSecret);

/** SKEYID_d, _a and _e, one out of the other (RFC 2409 §5). */
export function phaseOneKeys(skeyid: Uint8Array, { prf, sharedSecret, cookieI, cookieR }: PhaseOneExchange): PhaseOneKeys {
  const derive = (number: number, previous: Uint8Array): Uint8Array => prf.compute(skeyid, previous, sharedSecret, cookieI, cookieR, Uint8Array.of(number));
  const skeyidD = derive(0, new Uint8Array(0));
  const skeyidA = derive(1, skeyidD);
  const skeyidE = derive(2, skeyidA);
  return { skeyid, skeyidD, skeyidA, skeyidE };
}

/** The first octets of SKEYID_e; where it is too short, of K1 | K2 | … with K1 = prf(SKEYID_e, 0), Kn = prf(SKEYID_e, Kn−1) (RFC 2409 appendix B). */
export function encryptionKey(prf: Prf, skeyidE: Uint8Array, length: number): Uint8Array {
  return length <= skeyidE.length ? skeyidE.slice(0, length) : chained(prf, skeyidE, Uint8Array.of(0), new Uint8Array(0), length);
}

/** The IV of the first encrypted message of phase 1: the first octets of hash(g^xi | g^xr) (RFC 2409 appendix B). */
export const phaseOneIv = (hash: Hash, publicI: Uint8Array, publicR: Uint8Array, blockLength: number): Uint8Array =>
  hash.digest(publicI, publicR).slice(0, blockLength);

/**
 * The IV of the first message of a phase 2 or informational exchange: the first octets of hash(last block | M-ID), the block being the last
 * ciphertext of phase 1 (RFC 2409 appendix B).
 */
export const phaseTwoIv = (hash: Hash, lastBlock: Uint8Array, messageId: number, blockLength: number): Uint8Array =>
  hash.digest(lastBlock, messageIdOctets(messageId)).slice(0, blockLength);

/** M-ID as the header has it, 4 octets. */
export const messageIdOctets = (messageId: number): Uint8Array => Uint8Array.of(messageId >>> 24, messageId >>> 16, messageId >>> 8, messageId);

/** What quick mode has agreed on for one SA. */
export interface QuickModeExchange {
  readonly prf: Prf;
  readonly keyLengths: KeyLengths;
  readonly skeyidD: Uint8Array;
  /** g(qm)^xy of quick mode with perfect forward secrecy. */
  readonly sharedSecret?: Uint8Array | undefined;
  readonly protocol: number;
  /** Of this SA: the receiver has chosen it. Each direction has keys of its own. */
  readonly spi: Uint8Array;
  readonly nonceI: Uint8Array;
  readonly nonceR: Uint8Array;
}

/**
 * KEYMAT = K1 | K2 | …, Kn = prf(SKEYID_d, Kn−1 | g(qm)^xy | protocol | SPI | Ni_b | Nr_b), K0 being empty (RFC 2409 §5.5). The cipher's key
 * comes before the MAC's (RFC 2407 §4.4).
 */
export function quickModeKeys({ prf, keyLengths: { encryptionKeyLength, integrityKeyLength }, skeyidD, sharedSecret, protocol, spi, nonceI, nonceR }: QuickModeExchange): SaKeys {
  const seed = concat(sharedSecret ?? new Uint8Array(0), Uint8Array.of(protocol), spi, nonceI, nonceR);
  const take = cutter(chained(prf, skeyidD, new Uint8Array(0), seed, encryptionKeyLength + integrityKeyLength));
  return { encryption: take(encryptionKeyLength), integrity: take(integrityKeyLength) };
}

/** K1 | K2 | … cut to `length` octets, where Kn = prf(key, Kn−1 | seed) and K0 = first. */
function chained(prf: Prf, key: Uint8Array, first: Uint8Array, seed: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let made = 0; made < length; made += prf.length) blocks.push(prf.compute(key, blocks.at(-1) ?? first, seed));
  return concat(...blocks).slice(0, length);
}
