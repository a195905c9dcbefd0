/** An IKE SA: what both sides share, and what this side keeps about it (RFC 7296 §2.1 to §2.8). */
import type { Endpoint, IpAddress } from '../../core/address.ts';
import { toHex } from '../../core/bytes.ts';
import type { IkeSaName } from '../../core/events.ts';
import type { Instant } from '../../core/time.ts';
import type { IkeKeys } from '../../crypto/ike-keys.ts';
import type { DhKeyPair } from '../../crypto/types.ts';
import { encodeMessage } from '../../wire/ike/codec.ts';
import { exchangeTypes, ikeVersion2, type ExchangeName, type IkeHeader, type Payload, type Proposal } from '../../wire/ike/message.ts';
import { notation } from '../../wire/ike/notation.ts';
import type { Alarm } from '../alarm.ts';
import type { ConnectionConfig } from '../config.ts';
import type { IkeContext } from '../context.ts';
import { releaseSpi, removeChild, type ChildSa } from './child.ts';
import type { AddressPool } from './configuration.ts';
import type { CookieJar } from './cookie.ts';
import { noNatDetection, type NatVerdict } from './nat-detection.ts';
import type { InitAttempt } from './init.ts';
import type { SecurityPolicies } from './policies.ts';
import type { IkeAlgorithms } from './proposals.ts';
import { Protection } from './protect.ts';
import { messageStory } from './story.ts';
import type { IkeSaTable } from './table.ts';
import type { TrapPolicies } from './trap.ts';
import { Window } from './window.ts';

export interface V2Context extends IkeContext {
  readonly sas: IkeSaTable;
  readonly cookies: CookieJar;
  readonly policies: SecurityPolicies;
  readonly traps: TrapPolicies;
  poolOf(connection: ConnectionConfig): AddressPool | undefined;
  /** Begins anew with a peer that did not answer. */
  tryAgain(connection: ConnectionConfig): void;
}

/** Where a message came to and from, or goes from and to. */
export interface Path {
  readonly local: Endpoint;
  readonly peer: Endpoint;
}

export type Role = 'initiator' | 'responder';

/**
 * connecting → established → rekeyed (another IKE SA has taken over its children) → deleting → gone. `deleting`: our DELETE waits for its
 * answer. `gone`: nothing of it is left but this object.
 */
export type IkeSaState = 'connecting' | 'established' | 'rekeyed' | 'deleting' | 'gone';

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
}

export interface Beginning extends Path {
  readonly role: Role;
  readonly connection: ConnectionConfig;
  readonly initiatorSpi: Uint8Array;
  readonly responderSpi: Uint8Array;
}

export class IkeSa {
  readonly context: V2Context;
  readonly role: Role;
  readonly initiatorSpi: Uint8Array;
  readonly window = new Window(this);
  readonly children = new Set<ChildSa>();
  /** SPIs that the stack has reserved for child SAs that are being negotiated. */
  readonly reservedSpis = new Set<number>();
  responderSpi: Uint8Array;
  connection: ConnectionConfig;
  state: IkeSaState = 'connecting';
  local: Endpoint;
  peer: Endpoint;
  nat: NatVerdict = noNatDetection;
  peerIdentity: string | undefined;
  algorithms: IkeAlgorithms | undefined;
  handshake: Handshake | undefined;
  /** The inner address that one side has given to the other. */
  virtualAddress: IpAddress | undefined;
  /** This side's request to rekey this IKE SA waits for its answer; what the peer's request has made (RFC 7296 §2.8.2). */
  rekeyAsked = false;
  peersRekey: IkeRekey | undefined;
  /** The IKE SA that this one is to replace, while it is not decided whether it will. */
  predecessor: IkeSa | undefined;
  /** What is said when the end that this side has begun is reached, with the peer's answer or without. */
  ending: { readonly state: 'deleted' | 'failed'; readonly story: string } | undefined;
  /** When an IKE message last went out, and when an authenticated one last came in. */
  lastSent: Instant;
  lastHeard: Instant;
  #protection: Protection | undefined;
  readonly #alarms = new Map<string, { reason: string; ring: () => void }>();

  constructor(context: V2Context, { role, connection, initiatorSpi, responderSpi, local, peer }: Beginning) {
    this.context = context;
    this.role = role;
    this.connection = connection;
    this.initiatorSpi = initiatorSpi;
    this.responderSpi = responderSpi;
    this.local = local;
    this.peer = peer;
    this.lastSent = context.now;
    this.lastHeard = context.now;
  }

  get ownSpi(): Uint8Array {
    return this.role === 'initiator' ? this.initiatorSpi : this.responderSpi;
  }

  get isGone(): boolean {
    return this.state === 'gone';
  }

  get name(): IkeSaName {
    const { connection, role } = this;
    return { connection: connection.name, initiatorSpi: toHex(this.initiatorSpi), responderSpi: toHex(this.responderSpi), role };
  }

  /** The two sides as the stories call them. */
  get names(): { readonly me: string; readonly other: string } {
    const { localIdentity, remoteIdentity } = this.connection;
    return { me: localIdentity.value, other: this.peerIdentity ?? (remoteIdentity === 'any' ? this.peer.address : remoteIdentity.value) };
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

  encode(exchange: ExchangeName, { response, messageId }: { response: boolean; messageId: number }, payloads: readonly Payload[]): Uint8Array {
    const header = this.#header(exchange, response, messageId);
    if (exchange !== 'IKE_SA_INIT') return this.protection.seal(header, payloads);
    const message = encodeMessage({ header, payloads });
    if (this.handshake !== undefined) this.handshake[response ? 'answer' : 'request'] = message;
    return message;
  }

  send(message: Uint8Array, payloads: readonly Payload[], about: Message, path: Path = this): void {
    this.lastSent = this.context.now;
    this.context.transmit(path.local, path.peer, message);
    this.#report('sent', payloads, about, path);
  }

  received(payloads: readonly Payload[], about: Message, path: Path): void {
    this.#report('received', payloads, about, path);
  }

  // ---- timers

  /** Sets, or moves, the timer of this IKE SA that has this name. */
  alarm(reason: string, at: Instant, ring: () => void): void {
    let alarm = this.#alarms.get(reason);
    if (alarm === undefined) this.#alarms.set(reason, (alarm = { reason, ring }));
    alarm.ring = ring;
    this.context.alarms.set(alarm satisfies Alarm, at);
  }

  cancel(reason: string): void {
    const alarm = this.#alarms.get(reason);
    if (alarm !== undefined) this.context.alarms.cancel(alarm);
  }

  // ---- the end

  /** No answer, however often it was asked: the peer is taken for dead (RFC 7296 §2.4). */
  unanswered(exchange: ExchangeName, retransmissions: number): void {
    const { me, other } = this.names;
    const story = `${other} has not answered ${me}'s ${exchange} request in ${retransmissions + 1} transmissions`;
    if (this.state === 'connecting') {
      this.close('failed', `${story}: no IKE SA comes about.`);
      if (this.role === 'initiator' && this.connection.keyingTries === 'forever') this.context.tryAgain(this.connection);
      return;
    }
    this.context.event({ kind: 'peer-dead', ...this.name, peer: this.peer, story: `${story}: it is taken for dead.` });
    this.close(this.ending?.state ?? (this.state === 'rekeyed' ? 'deleted' : 'failed'), `${story}: the IKE SA and everything under it is forgotten.`);
  }

  /** The end that this side has begun. */
  end(): void {
    if (this.ending !== undefined) this.close(this.ending.state, this.ending.story);
  }

  /** Forgets the IKE SA and its children, on this side only. Secrets are wiped. */
  close(state: 'deleted' | 'failed', story: string): void {
    if (this.isGone) return;
    for (const child of this.children) removeChild(child, 'deleted', 'Its IKE SA is gone, and a child SA does not outlive it.');
    for (const spi of this.reservedSpis) releaseSpi(this, spi);
    this.state = 'gone';
    this.window.close();
    for (const alarm of this.#alarms.values()) this.context.alarms.cancel(alarm);
    this.context.sas.remove(this);
    this.giveAddressBack();
    this.handshake = undefined;
    this.#protection?.wipe();
    const { peer, peerIdentity } = this;
    this.context.event({ kind: 'ike-sa', state, ...this.name, peer, ...(peerIdentity === undefined ? {} : { peerIdentity }), story });
  }

  giveAddressBack(): void {
    const address = this.virtualAddress;
    if (address === undefined) return;
    this.virtualAddress = undefined;
    const pool = this.context.poolOf(this.connection);
    if (pool !== undefined) pool.giveBack(address);
    else this.context.output({ kind: 'virtual-address', address, assigned: false });
  }

  #header(exchange: ExchangeName, response: boolean, messageId: number): IkeHeader {
    const { initiatorSpi, responderSpi, role } = this;
    const flags = { initiator: role === 'initiator', higherVersion: false, response };
    return { initiatorSpi, responderSpi, version: ikeVersion2, exchange: exchangeTypes[exchange], flags, messageId };
  }

  #report(direction: 'sent' | 'received', payloads: readonly Payload[], about: Message, { local, peer }: Path): void {
    const { exchange, response, messageId, retransmission } = about;
    const header = this.#header(exchange, response, messageId);
    this.context.event({
      kind: 'ike-message', direction, local, peer, exchange, messageId, response, retransmission,
      initiatorSpi: toHex(this.initiatorSpi), responderSpi: toHex(this.responderSpi),
      notation: exchange === 'IKE_SA_INIT' ? notation(header, payloads) : notation(header, [], payloads),
      story: messageStory(this.names, direction, payloads, about),
    });
  }
}

/** An exchange that replaced an IKE SA: its successor, and the lower of its nonces. */
export interface IkeRekey {
  readonly successor: IkeSa;
  readonly lowestNonce: Uint8Array;
}
