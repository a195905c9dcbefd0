/** Which IKE SA? Every question is answered in constant time: a gateway has thousands of them. */
import { describeEndpoint, type Endpoint } from '../../core/address.ts';
import { toHex } from '../../core/bytes.ts';
import { addTo, removeFrom } from '../index-of-sets.ts';
import type { IkeSa } from './sa.ts';

export class IkeSaTable {
  readonly #bySpi = new Map<string, IkeSa>();
  readonly #ofConnection = new Map<string, Set<IkeSa>>();
  readonly #ofPeer = new Map<string, Set<IkeSa>>();
  readonly #ofFirstMessage = new Map<string, IkeSa>();
  readonly #keysOfFirstMessage = new Map<IkeSa, string>();
  readonly #halfOpen = new Set<IkeSa>();

  /** By our own SPI, 8 octets. */
  bySpi(spi: Uint8Array): IkeSa | undefined {
    return this.#bySpi.get(toHex(spi));
  }

  ofConnection(connection: string): readonly IkeSa[] {
    return [...(this.#ofConnection.get(connection) ?? [])];
  }

  /** The IKE SAs with an authenticated peer of this identity. */
  ofPeer(peerIdentity: string): readonly IkeSa[] {
    return [...(this.#ofPeer.get(peerIdentity) ?? [])];
  }

  add(sa: IkeSa): void {
    this.#bySpi.set(toHex(sa.ownSpi), sa);
    addTo(this.#ofConnection, sa.connection.name, sa);
  }

  /** The connection and the identity are known from now on. */
  authenticated(sa: IkeSa): void {
    this.#halfOpen.delete(sa);
    addTo(this.#ofConnection, sa.connection.name, sa);
    if (sa.peerIdentity !== undefined) addTo(this.#ofPeer, sa.peerIdentity, sa);
  }

  /** The responder has answered the wrong guess of a connection before it saw the identity. */
  leaveConnection(sa: IkeSa): void {
    removeFrom(this.#ofConnection, sa.connection.name, sa);
  }

  remove(sa: IkeSa): void {
    this.#bySpi.delete(toHex(sa.ownSpi));
    this.#halfOpen.delete(sa);
    removeFrom(this.#ofConnection, sa.connection.name, sa);
    if (sa.peerIdentity !== undefined) removeFrom(this.#ofPeer, sa.peerIdentity, sa);
    const first = this.#keysOfFirstMessage.get(sa);
    if (first !== undefined) this.#ofFirstMessage.delete(first);
    this.#keysOfFirstMessage.delete(sa);
  }

  // ---- half-open IKE SAs of a responder (RFC 7296 §2.6)

  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  /** A request of IKE_SA_INIT that came before is known by its SPI, its nonce and where it came from (RFC 7296 §2.1). */
  byFirstMessage(initiatorSpi: Uint8Array, nonce: Uint8Array, peer: Endpoint): IkeSa | undefined {
    return this.#ofFirstMessage.get(firstMessageKey(initiatorSpi, nonce, peer));
  }

  addHalfOpen(sa: IkeSa, nonce: Uint8Array): void {
    const key = firstMessageKey(sa.initiatorSpi, nonce, sa.peer);
    this.add(sa);
    this.#halfOpen.add(sa);
    this.#ofFirstMessage.set(key, sa);
    this.#keysOfFirstMessage.set(sa, key);
  }
}

const firstMessageKey = (spi: Uint8Array, nonce: Uint8Array, peer: Endpoint): string => `${toHex(spi)} ${toHex(nonce)} ${describeEndpoint(peer)}`;
