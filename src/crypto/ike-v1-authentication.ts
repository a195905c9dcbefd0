/** The hashes that authenticate IKEv1 (RFC 2409 §5, §5.5, §5.7). What a peer sent is compared by `sameSecret`. */
import { concat } from '../core/bytes.ts';
import { messageIdOctets } from './ike-v1-keys.ts';
import type { Prf } from './types.ts';

/** What HASH_I and HASH_R cover. Bodies are octets as they stood on the wire, behind the generic payload header. */
export interface PhaseOneTranscript {
  /** The bodies of the KE payloads. */
  readonly publicI: Uint8Array;
  readonly publicR: Uint8Array;
  readonly cookieI: Uint8Array;
  readonly cookieR: Uint8Array;
  /** The whole body of the initiator's SA payload, with all that it offered, for either hash. */
  readonly saI: Uint8Array;
}

/** HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b); a signature is made over it as it is (RFC 2409 §5, §5.1). */
export const hashI = (prf: Prf, skeyid: Uint8Array, { publicI, publicR, cookieI, cookieR, saI }: PhaseOneTranscript, identityI: Uint8Array): Uint8Array =>
  prf.compute(skeyid, publicI, publicR, cookieI, cookieR, saI, identityI);

/** HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b) (RFC 2409 §5). */
export const hashR = (prf: Prf, skeyid: Uint8Array, { publicI, publicR, cookieI, cookieR, saI }: PhaseOneTranscript, identityR: Uint8Array): Uint8Array =>
  prf.compute(skeyid, publicR, publicI, cookieR, cookieI, saI, identityR);

/**
 * HASH(1) = prf(SKEYID_a, M-ID | rest): of the first message of quick mode, of informational exchanges (RFC 2409 §5.7), of Mode-Config, of CONNECTED.
 * `rest` is all that follows the HASH payload, generic headers and all, padding not.
 */
export const hash1 = (prf: Prf, skeyidA: Uint8Array, messageId: number, rest: Uint8Array): Uint8Array =>
  prf.compute(skeyidA, messageIdOctets(messageId), rest);

/** HASH(2) = prf(SKEYID_a, M-ID | Ni_b | rest) (RFC 2409 §5.5). */
export const hash2 = (prf: Prf, skeyidA: Uint8Array, messageId: number, nonceI: Uint8Array, rest: Uint8Array): Uint8Array =>
  prf.compute(skeyidA, messageIdOctets(messageId), nonceI, rest);

/** HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b), 0 being one octet (RFC 2409 §5.5). */
export const hash3 = (prf: Prf, skeyidA: Uint8Array, messageId: number, nonceI: Uint8Array, nonceR: Uint8Array): Uint8Array =>
  prf.compute(skeyidA, concat(Uint8Array.of(0), messageIdOctets(messageId), nonceI, nonceR));
