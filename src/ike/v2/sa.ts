/** An IKE SA of IKEv2: what both sides share, and what this side keeps about it (RFC 7296 §2.1 to §2.8). */
import { toHex } from '../../core/bytes.ts';
import type { IkeKeys } from '../../crypto/ike-keys.ts';
import type { DhKeyPair } from '../../crypto/types.ts';
import { encodeMessage } from '../../wire/ike/codec.ts';
import { exchangeTypes, ikeVersion2, type ExchangeName, type IkeHeader, type Payload, type Proposal } from '../../wire/ike/message.ts';
import { notation } from '../../wire/ike/notation.ts';
import { AnyIkeSa, type Encapsulation, type Path } from '../any-ike-sa.ts';
import { releaseSpi, removeChild, type ChildSa } from '../child.ts';
import type { ConnectionConfig } from '../config.ts';
import type { IkeContext } from '../context.ts';
import { diagnosis } from '../first-contact.ts';
import { longestMessage } from '../fragment-size.ts';
import { natFound } from '../nat-detection.ts';
import { natTraversalPort } from '../port-float.ts';
import type { SaTable } from '../sa-table.ts';
import type { CookieJar } from './cookie.ts';
import { Fragments } from './fragmentation.ts';
import type { InitAttempt } from './init.ts';
import type { IkeAlgorithms } from './proposals.ts';
import { Protection } from './protect.ts';
import { messageStory } from './story.ts';
import { Window } from './window.ts';

/** The daemon's context with what IKEv2 keeps for all of its IKE SAs. */
export interface V2Context extends IkeContext {
  readonly sas: SaTable<IkeSa>;
  readonly cookies: CookieJar;
  /** Begins anew with a peer that did not answer. */
  tryAgain(connection: ConnectionConfig): void;
  /** A child SA's lifetime ends: fresh keys for it, or a DELETE. */
  childExpires(child: V2Child, limit: 'soft' | 'hard'): void;
}

/** A child SA whose IKE SA is one of IKEv2. */
export type V2Child = ChildSa<IkeSa>;

/** What is kept only until both sides have authenticated each other. */
export interface Handshake {
  /** The messages of IKE_SA_INIT as they stood on the wire: both sides sign them (RFC 7296 §2.15). */
  request: Uint8Array;
  answer: Uint8Array;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  keyPair: DhKeyPair | undefined;
  /** What the responder chose: the connection that the identity leads to must allow it too. */
  readonly proposal: Proposal | undefined;
  /** The initiator's, until its IKE_SA_INIT request is answered in earnest. */
  readonly attempt: InitAttempt | undefined;
}

export interface Message {
  readonly exchange: ExchangeName;
  readonly response: boolean;
  readonly messageId: number;
  readonly retransmission: number;
  /** How long the answer was waited for, in words. */
  readonly waited?: string;
  /** In how many fragments; absent where it is whole. */
  readonly fragments?: number;
}

export class IkeSa extends AnyIkeSa<V2Context> {
  declare readonly children: Set<V2Child>;
  readonly window = new Window(this);
  algorithms: IkeAlgorithms | undefined;
  handshake: Handshake | undefined;
  /** This side's request to rekey this IKE SA waits for its answer; what the peer's request has made (RFC 7296 §2.8.2). */
  rekeyAsked = false;
  peersRekey: IkeRekey | undefined;
  /** The IKE SA that this one is to replace, while it is not decided whether it will. */
  predecessor: IkeSa | undefined;
  /** What is said when the end that this side has begun is reached, with the peer's answer or without. */
  ending: { readonly state: 'deleted' | 'failed'; readonly story: string } | undefined;
  /** Both sides take fragments (RFC 7383 §2.3); those that wait for others. */
  fragmentation = false;
  readonly fragments = { request: new Fragments(), answer: new Fragments() } as const;
  #protection: Protection | undefined;

  /** RFC 7296 §2.23: with a NAT on the way, ESP goes in UDP by the ports of IKE, but never by port 500. */
  get encapsulation(): Encapsulation {
    return natFound(this.nat) && this.local.port === natTraversalPort ? 'udp' : 'none';
  }

  childExpires(child: V2Child, limit: 'soft' | 'hard'): void {
    this.context.childExpires(child, limit);
  }

  // ---- keys

  get protection(): Protection {
    if (this.#protection === undefined) throw new Error('the IKE SA has no keys yet');
    return this.#protection;
  }

  get hasKeys(): boolean {
    return this.#protection !== undefined;
  }

  useKeys(algorithms: IkeAlgorithms, keys: IkeKeys): void {
    this.algorithms = algorithms;
    this.#protection = new Protection(algorithms.suite, keys, this.role, this.context.random);
    const [encryption = '', integrity = ''] = algorithms.suite.name.split('/');
    this.context.event({
      kind: 'ike-keys', ...this.name, encryption, integrity,
      skEi: toHex(keys.skEi), skEr: toHex(keys.skEr), skAi: toHex(keys.skAi), skAr: toHex(keys.skAr),
    });
  }

  // ---- messages

  /** The message as it goes on the wire: whole, or its fragments, which IKE_SA_INIT never has (RFC 7383 §2.4). */
  encode(exchange: ExchangeName, { response, messageId }: { response: boolean; messageId: number }, payloads: readonly Payload[]): readonly Uint8Array[] {
    const header = this.#header(exchange, response, messageId);
    if (exchange !== 'IKE_SA_INIT') return this.protection.sealFitting(header, payloads, this.fragmentation ? longestMessage(this.connection, this.peer) : Infinity);
    const message = encodeMessage({ header, payloads });
    if (this.handshake !== undefined) this.handshake[response ? 'answer' : 'request'] = message;
    return [message];
  }

  send(messages: readonly Uint8Array[], payloads: readonly Payload[], about: Message, path: Path = this): void {
    this.lastSent = this.context.now;
    for (const message of messages) this.context.transmit(path.local, path.peer, message);
    this.#report('sent', payloads, messages.length > 1 ? { ...about, fragments: messages.length } : about, path);
  }

  received(payloads: readonly Payload[], about: Message, path: Path): void {
    this.#report('received', payloads, about, path);
  }

  // ---- the end

  /** No answer, however often it was asked: the peer is taken for dead (RFC 7296 §2.4). */
  unanswered(exchange: ExchangeName, retransmissions: number): void {
    const { me, other } = this.names;
    const story = `${other} has not answered ${me}'s ${exchange} request in ${retransmissions + 1} transmissions`;
    if (this.state === 'connecting') {
      this.close('failed', `${story}: no IKE SA comes about.${diagnosis(this)}`);
      if (this.role === 'initiator' && this.connection.keyingTries === 'forever') this.context.tryAgain(this.connection);
      return;
    }
    this.context.event({ kind: 'peer-dead', ...this.name, peer: this.peer, story: `${story}: it is taken for dead.` });
    this.close(this.ending?.state ?? (this.state === 'rekeyed' ? 'deleted' : 'failed'), `${story}: the IKE SA and everything under it is forgotten.${diagnosis(this)}`);
  }

  /** The end that this side has begun. */
  end(): void {
    if (this.ending !== undefined) this.close(this.ending.state, this.ending.story);
  }

  close(state: 'deleted' | 'failed', story: string): void {
    if (this.isGone) return;
    for (const child of this.children) removeChild(child, 'deleted', 'Its IKE SA is gone, and a child SA does not outlive it.');
    for (const spi of this.reservedSpis) releaseSpi(this, spi);
    this.state = 'gone';
    this.window.close();
    this.cancelAll();
    this.context.sas.remove(this);
    this.giveAddressBack();
    this.handshake = undefined;
    this.#protection?.wipe();
    const { peer, peerIdentity } = this;
    this.context.event({ kind: 'ike-sa', state, ...this.name, peer, ...(peerIdentity === undefined ? {} : { peerIdentity }), story });
  }

  #header(exchange: ExchangeName, response: boolean, messageId: number): IkeHeader {
    const { initiatorSpi, responderSpi, role } = this;
    const flags = { initiator: role === 'initiator', higherVersion: false, response };
    return { initiatorSpi, responderSpi, version: ikeVersion2, exchange: exchangeTypes[exchange], flags, messageId };
  }

  #report(direction: 'sent' | 'received', payloads: readonly Payload[], about: Message, { local, peer }: Path): void {
    const { exchange, response, messageId, retransmission, fragments } = about;
    const header = this.#header(exchange, response, messageId);
    this.context.event({
      kind: 'ike-message', direction, local, peer, exchange, messageId, response, retransmission, ...(fragments === undefined ? {} : { fragments }),
      initiatorSpi: toHex(this.initiatorSpi), responderSpi: toHex(this.responderSpi),
      notation: exchange === 'IKE_SA_INIT' ? notation(header, payloads) : notation(header, [], payloads, fragments),
      story: messageStory(this.names, direction, payloads, about),
    });
  }
}

/** An exchange that replaced an IKE SA: its successor, and the lower of its nonces. */
export interface IkeRekey {
  readonly successor: IkeSa;
  readonly lowestNonce: Uint8Array;
}
