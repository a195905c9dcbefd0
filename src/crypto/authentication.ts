import { concat, utf8 } from '../core/bytes.ts';
import type { Prf } from './types.ts';

const keyPad = utf8('Key Pad for IKEv2');

/** What one side signs (RFC 7296 §2.15). */
export interface SignedParts {
  /** The whole first message of the one who signs, from the header on, the non-ESP marker not included. */
  readonly message: Uint8Array;
  /** The data of the other side's nonce payload. */
  readonly peerNonce: Uint8Array;
  /** SK_pi when the initiator signs, SK_pr when the responder does. */
  readonly skP: Uint8Array;
  /** The body of the signer's ID payload: ID type | 3 reserved octets | identification data. */
  readonly identity: Uint8Array;
}

/** InitiatorSignedOctets or ResponderSignedOctets: message | peer's nonce | prf(SK_p, identity) (RFC 7296 §2.15). */
export const authOctets = (prf: Prf, { message, peerNonce, skP, identity }: SignedParts): Uint8Array =>
  concat(message, peerNonce, prf.compute(skP, identity));

/** The AUTH data of a shared key: prf(prf(shared key, "Key Pad for IKEv2"), signed octets) (RFC 7296 §2.15). */
export const preSharedKeyAuth = (prf: Prf, preSharedKey: Uint8Array, signed: Uint8Array): Uint8Array =>
  prf.compute(prf.compute(preSharedKey, keyPad), signed);
