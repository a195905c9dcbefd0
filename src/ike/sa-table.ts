/** Which IKE SA? Every question is answered in constant time: a gateway has thousands of them. */
import { toHex } from '../core/bytes.ts';
import type { AnyIkeSa } from './any-ike-sa.ts';
import { addTo, removeFrom } from './index-of-sets.ts';

export class SaTable<Sa extends AnyIkeSa> {
  readonly #bySpi = new Map<string, Sa>();
  readonly #ofConnection = new Map<string, Set<Sa>>();
  readonly #ofPeer = new Map<string, Set<Sa>>();
  readonly #ofFirstMessage = new Map<string, Sa>();
  readonly #firstMessages = new Map<Sa, string>();
  readonly #halfOpen = new Set<Sa>();

  /** By our own SPI, 8 octets; IKEv1 calls it a cookie. */
  bySpi(spi: Uint8Array): Sa | undefined {
    return this.#bySpi.get(toHex(spi));
  }

  ofConnection(connection: string): readonly Sa[] {
    return [...(this.#ofConnection.get(connection) ?? [])];
  }

  /** The IKE SAs with an authenticated peer of this identity. */
  ofPeer(peerIdentity: string): readonly Sa[] {
    return [...(this.#ofPeer.get(peerIdentity) ?? [])];
  }

  /** By none of the connections to its peer there is another one: it may say INITIAL_CONTACT (RFC 7296 §2.4, RFC 2407 §4.6.3.3). */
  isFirstContact(sa: Sa): boolean {
    const neighbours = sa.context.config.connections.filter(({ remote }) => remote === sa.connection.remote);
    return neighbours.every(({ name }) => this.ofConnection(name).every((other) => other === sa || other.state === 'connecting'));
  }

  add(sa: Sa): void {
    this.#bySpi.set(toHex(sa.ownSpi), sa);
    addTo(this.#ofConnection, sa.connection.name, sa);
  }

  /** The responder has guessed a connection before it saw the identity: it was this one. */
  useConnection(sa: Sa, connection: Sa['connection']): void {
    removeFrom(this.#ofConnection, sa.connection.name, sa);
    sa.connection = connection;
    addTo(this.#ofConnection, connection.name, sa);
  }

  /** The identity is known from now on. */
  authenticated(sa: Sa): void {
    this.#halfOpen.delete(sa);
    if (sa.peerIdentity !== undefined) addTo(this.#ofPeer, sa.peerIdentity, sa);
  }

  /** XAUTH tells who of a group the peer is. */
  identified(sa: Sa, peerIdentity: string): void {
    if (sa.peerIdentity !== undefined) removeFrom(this.#ofPeer, sa.peerIdentity, sa);
    sa.peerIdentity = peerIdentity;
    addTo(this.#ofPeer, peerIdentity, sa);
  }

  remove(sa: Sa): void {
    this.#bySpi.delete(toHex(sa.ownSpi));
    this.#halfOpen.delete(sa);
    removeFrom(this.#ofConnection, sa.connection.name, sa);
    if (sa.peerIdentity !== undefined) removeFrom(this.#ofPeer, sa.peerIdentity, sa);
    const first = this.#firstMessages.get(sa);
    if (first !== undefined) this.#ofFirstMessage.delete(first);
    this.#firstMessages.delete(sa);
  }

  // ---- half-open IKE SAs of a responder (RFC 7296 §2.6, RFC 2408 §1.7.1)

  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  /** A first message knows no SPI of ours yet: the IKE SA that one known by this has begun, and which may be established by now. */
  byFirstMessage(knownBy: string): Sa | undefined {
    return this.#ofFirstMessage.get(knownBy);
  }

  addHalfOpen(sa: Sa, knownBy: string): void {
    this.add(sa);
    this.#halfOpen.add(sa);
    this.#ofFirstMessage.set(knownBy, sa);
    this.#firstMessages.set(sa, knownBy);
  }
}
