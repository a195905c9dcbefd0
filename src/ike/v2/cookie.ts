/** COOKIE: who wants an answer under load shows first that it is reached where it says (RFC 7296 §2.6). */
import type { IpAddress } from '../../core/address.ts';
import type { Random } from '../../core/random.ts';
import { after, minutes, type Instant } from '../../core/time.ts';
import { cookie, cookieVersion, type CookieSecret } from '../../crypto/cookie.ts';
import { sameSecret } from '../../crypto/secret.ts';

const secretLifetime = minutes(5);

/** Makes cookies and knows them again, without keeping anything about those who got them. */
export class CookieJar {
  readonly #random: Random;
  #secret: CookieSecret & { readonly until: Instant };
  #previous: CookieSecret | undefined;

  constructor(random: Random, now: Instant) {
    this.#random = random;
    this.#secret = { version: 0, key: random.bytes(32), until: after(now, secretLifetime) };
  }

  make(now: Instant, nonce: Uint8Array, address: IpAddress, initiatorSpi: Uint8Array): Uint8Array {
    this.#renew(now);
    return cookie(this.#secret, nonce, address, initiatorSpi);
  }

  /** Whether it is one of ours, made for this peer with this secret or the one before. */
  knows(now: Instant, given: Uint8Array, nonce: Uint8Array, address: IpAddress, initiatorSpi: Uint8Array): boolean {
    this.#renew(now);
    const secret = [this.#secret, this.#previous].find((candidate) => candidate?.version === cookieVersion(given));
    return secret !== undefined && sameSecret(given, cookie(secret, nonce, address, initiatorSpi));
  }

  #renew(now: Instant): void {
    if (now < this.#secret.until) return;
    this.#previous = now < after(this.#secret.until, secretLifetime) ? this.#secret : undefined;
    this.#secret = { version: (this.#secret.version + 1) & 255, key: this.#random.bytes(32), until: after(now, secretLifetime) };
  }
}
