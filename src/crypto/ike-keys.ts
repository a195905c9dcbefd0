import { concat } from '../core/bytes.ts';
import { cutter } from './octets.ts';
import { prfPlus } from './prf.ts';
import type { CipherSuite, KeyLengths, Prf } from './types.ts';

/** The seven secrets of an IKE SA (RFC 7296 §2.14): i and r are the directions of its initiator and of its responder. */
export interface IkeKeys {
  readonly skD: Uint8Array;
  readonly skAi: Uint8Array;
  readonly skAr: Uint8Array;
  readonly skEi: Uint8Array;
  readonly skEr: Uint8Array;
  readonly skPi: Uint8Array;
  readonly skPr: Uint8Array;
}

/** What IKE_SA_INIT, or the CREATE_CHILD_SA that rekeys an IKE SA, has agreed on. The SPIs are the new SA's, 8 octets each. */
export interface IkeExchange {
  readonly prf: Prf;
  readonly suite: CipherSuite;
  readonly sharedSecret: Uint8Array;
  readonly nonceI: Uint8Array;
  readonly nonceR: Uint8Array;
  readonly spiI: Uint8Array;
  readonly spiR: Uint8Array;
}

/** SKEYSEED = prf(Ni | Nr, g^ir) (RFC 7296 §2.14). */
export const skeySeed = ({ prf, sharedSecret, nonceI, nonceR }: IkeExchange): Uint8Array =>
  prf.compute(concat(nonceI, nonceR), sharedSecret);

/** What an IKE SA leaves to the one that replaces it. */
export interface OldIkeSa {
  readonly prf: Prf;
  readonly skD: Uint8Array;
}

/** SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), with the PRF of the old SA (RFC 7296 §2.18). */
export const rekeyedSkeySeed = (old: OldIkeSa, { sharedSecret, nonceI, nonceR }: IkeExchange): Uint8Array =>
  old.prf.compute(old.skD, sharedSecret, nonceI, nonceR);

/** The keys of a first IKE SA. */
export const ikeKeys = (exchange: IkeExchange): IkeKeys => expand(skeySeed(exchange), exchange);

/** The keys of an IKE SA that replaces an old one. */
export const rekeyedIkeKeys = (old: OldIkeSa, exchange: IkeExchange): IkeKeys =>
  expand(rekeyedSkeySeed(old, exchange), exchange);

/** {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr). An AEAD has no SK_a (RFC 5282 §4). */
function expand(seed: Uint8Array, { prf, suite, nonceI, nonceR, spiI, spiR }: IkeExchange): IkeKeys {
  const a = suite.integrityKeyLength;
  const e = suite.encryptionKeyLength;
  const take = cutter(prfPlus(prf, seed, concat(nonceI, nonceR, spiI, spiR), 3 * prf.length + 2 * a + 2 * e));
  return {
    skD: take(prf.length),
    skAi: take(a),
    skAr: take(a),
    skEi: take(e),
    skEr: take(e),
    skPi: take(prf.length),
    skPr: take(prf.length),
  };
}

export interface SaKeys {
  readonly encryption: Uint8Array;
  readonly integrity: Uint8Array;
}

/** What the exchange that makes a child SA has agreed on; `sharedSecret` when it did a Diffie-Hellman of its own. */
export interface ChildExchange {
  readonly prf: Prf;
  readonly keyLengths: KeyLengths;
  readonly skD: Uint8Array;
  readonly sharedSecret?: Uint8Array | undefined;
  readonly nonceI: Uint8Array;
  readonly nonceR: Uint8Array;
}

/**
 * KEYMAT = prf+(SK_d, g^ir (new) | Ni | Nr) (RFC 7296 §2.17). `initiator` are the keys of the SA that carries what the initiator of this
 * exchange sends, `responder` of the other; in each, encryption comes before integrity.
 */
export function childKeys({ prf, keyLengths: { encryptionKeyLength, integrityKeyLength }, skD, sharedSecret, nonceI, nonceR }: ChildExchange): { initiator: SaKeys; responder: SaKeys } {
  const seed = concat(sharedSecret ?? new Uint8Array(0), nonceI, nonceR);
  const take = cutter(prfPlus(prf, skD, seed, 2 * (encryptionKeyLength + integrityKeyLength)));
  const saKeys = (): SaKeys => ({ encryption: take(encryptionKeyLength), integrity: take(integrityKeyLength) });
  return { initiator: saKeys(), responder: saKeys() };
}
