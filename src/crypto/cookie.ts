import { addressBytes } from '../core/address.ts';
import type { IpAddress } from '../core/address.ts';
import { concat } from '../core/bytes.ts';
import { prf } from './prf.ts';

/** What a responder makes its cookies with; `version` is one octet and goes up with every new key, so that older cookies are told apart. */
export interface CookieSecret {
  readonly version: number;
  readonly key: Uint8Array;
}

/**
 * A COOKIE that can be checked without any state kept for its owner (RFC 7296 §2.6): version | HMAC(secret, Ni | IPi | SPIi), 33 octets.
 * Check a peer's by `sameSecret` with the one made anew from what came with it.
 */
export const cookie = (secret: CookieSecret, nonceI: Uint8Array, address: IpAddress, spiI: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(secret.version), prf('hmac-sha2-256').compute(secret.key, nonceI, addressBytes(address), spiI));

/** Which secret a peer's cookie was made with; undefined for an empty one. */
export const cookieVersion = (cookie: Uint8Array): number | undefined => cookie[0];
