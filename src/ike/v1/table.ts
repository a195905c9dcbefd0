/** Which ISAKMP SA? Every question is answered in constant time: a gateway has thousands of them. */
import { toHex } from '../../core/bytes.ts';
import { addTo, removeFrom } from '../index-of-sets.ts';
import type { IsakmpSa } from './sa.ts';

export class IsakmpSaTable {
  readonly #byCookie = new Map<string, IsakmpSa>();
  readonly #ofConnection = new Map<string, Set<IsakmpSa>>();
  readonly #ofPeer = new Map<string, Set<IsakmpSa>>();
  readonly #ofFirstMessage = new Map<string, IsakmpSa>();
  readonly #halfOpen = new Set<IsakmpSa>();

  /** By our own cookie, 8 octets. */
  byCookie(cookie: Uint8Array): IsakmpSa | undefined {
    return this.#byCookie.get(toHex(cookie));
  }

  ofConnection(connection: string): readonly IsakmpSa[] {
    return [...(this.#ofConnection.get(connection) ?? [])];
  }

  /** The ISAKMP SAs with an authenticated peer of this identity. */
  ofPeer(peerIdentity: string): readonly IsakmpSa[] {
    return [...(this.#ofPeer.get(peerIdentity) ?? [])];
  }

  add(sa: IsakmpSa): void {
    this.#byCookie.set(toHex(sa.ownSpi), sa);
    addTo(this.#ofConnection, sa.connection.name, sa);
  }

  /** The connection and the identity are known from now on. */
  authenticated(sa: IsakmpSa): void {
    this.#halfOpen.delete(sa);
    addTo(this.#ofConnection, sa.connection.name, sa);
    if (sa.peerIdentity !== undefined) addTo(this.#ofPeer, sa.peerIdentity, sa);
  }

  /** XAUTH tells who of a group the peer is. */
  identified(sa: IsakmpSa, peerIdentity: string): void {
    if (sa.peerIdentity !== undefined) removeFrom(this.#ofPeer, sa.peerIdentity, sa);
    sa.peerIdentity = peerIdentity;
    addTo(this.#ofPeer, peerIdentity, sa);
  }

  /** The responder has guessed the wrong connection before it saw the identity. */
  leaveConnection(sa: IsakmpSa): void {
    removeFrom(this.#ofConnection, sa.connection.name, sa);
  }

  remove(sa: IsakmpSa): void {
    this.#byCookie.delete(toHex(sa.ownSpi));
    this.#halfOpen.delete(sa);
    removeFrom(this.#ofConnection, sa.connection.name, sa);
    if (sa.peerIdentity !== undefined) removeFrom(this.#ofPeer, sa.peerIdentity, sa);
    if (sa.role === 'responder') this.#ofFirstMessage.delete(toHex(sa.initiatorSpi));
  }

  // ---- half-open ISAKMP SAs of a responder

  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  /** A first message knows no cookie of ours yet: the ISAKMP SA that one with this cookie has begun, and which may be established by now. */
  byFirstMessage(initiatorCookie: Uint8Array): IsakmpSa | undefined {
    return this.#ofFirstMessage.get(toHex(initiatorCookie));
  }

  addHalfOpen(sa: IsakmpSa): void {
    this.add(sa);
    this.#halfOpen.add(sa);
    this.#ofFirstMessage.set(toHex(sa.initiatorSpi), sa);
  }
}
