/** An ISAKMP SA: what both sides share after phase 1, and what this side keeps about it (RFC 2409 §5). */
import { toHex } from '../../core/bytes.ts';
import { sameEndpoint, type Prefix } from '../../core/address.ts';
import type { Duration, Instant } from '../../core/time.ts';
import { encryptionKey, phaseOneIv, phaseTwoIv, type PhaseOneKeys } from '../../crypto/ike-v1-keys.ts';
import type { MessageCipher } from '../../crypto/ike-v1-cipher.ts';
import { wipe } from '../../crypto/secret.ts';
import type { DhKeyPair } from '../../crypto/types.ts';
import type { Proposal } from '../../wire/ike/v1/message.ts';
import { AnyIkeSa, type Beginning, type Encapsulation } from '../any-ike-sa.ts';
import { releaseSpi, removeChild, type ChildSa } from '../child.ts';
import type { ConnectionConfig, V1Settings } from '../config.ts';
import type { IkeContext } from '../context.ts';
import { diagnosis } from '../first-contact.ts';
import { natFound } from '../nat-detection.ts';
import { natTraversalPort } from '../port-float.ts';
import type { SaTable } from '../sa-table.ts';
import type { Claim } from './authentication.ts';
import type { TrafficPair } from './client-identities.ts';
import { Exchange, type ExchangeName, type ExchangeOptions } from './exchange.ts';
import { Fragments } from './fragmentation.ts';
import { IvChain } from './iv-chain.ts';
import type { NattTraits } from './natt-versions.ts';
import type { PasswordAttempts } from './password-attempts.ts';
import type { PhaseOneAlgorithms } from './phase1-proposals.ts';
import { wholeWait } from './retransmission.ts';

/** The daemon's context with what IKEv1 keeps for all of its ISAKMP SAs. */
export interface V1Context extends IkeContext {
  readonly sas: SaTable<IsakmpSa>;
  readonly passwordAttempts: PasswordAttempts;
  /** Both sides have shown who they are. */
  established(sa: IsakmpSa): void;
  /** Begins anew with a peer that did not answer. */
  tryAgain(connection: ConnectionConfig): void;
  /** Phase 1 once more, in place of one. */
  rekey(sa: IsakmpSa): void;
  /** A child SA's lifetime ends: fresh keys for it, or a delete. */
  childExpires(child: V1Child, limit: 'soft' | 'hard'): void;
}

/** A child SA whose ISAKMP SA is one of IKEv1. */
export type V1Child = ChildSa<IsakmpSa>;

/** A child SA that is asked for: what to do when the peer refuses it, and when nobody answers. */
export interface ChildWish {
  readonly pair: TrafficPair;
  readonly fail: (why: string) => void;
  readonly abandon: (why: string) => void;
}

/** What is kept only until phase 1 is over. */
export interface Handshake {
  /** The body of the initiator's SA payload, with all that it offered (SAi_b). */
  saI: Uint8Array;
  nonceI: Uint8Array;
  nonceR: Uint8Array;
  publicI: Uint8Array;
  publicR: Uint8Array;
  keyPair: DhKeyPair | undefined;
  /** The responder's: what it chose, and the connections that the identity may lead to, if they allow that. */
  readonly proposal: Proposal | undefined;
  readonly candidates: readonly ConnectionConfig[];
  /** The responder's in aggressive mode: who the initiator said it was, in the clear. */
  readonly claim: Claim | undefined;
  /** The initiator's: the ISAKMP SA that this one is to replace. */
  readonly predecessor: IsakmpSa | undefined;
}

const noOctets = new Uint8Array(0);
export const freshHandshake: Handshake = {
  saI: noOctets, nonceI: noOctets, nonceR: noOctets, publicI: noOctets, publicR: noOctets, keyPair: undefined, proposal: undefined, candidates: [], claim: undefined, predecessor: undefined,
};

/** What phase 1 computes with: an ISAKMP SA, or what it would be if a message were believed. */
export type Negotiation = Pick<IsakmpSa, 'context' | 'role' | 'connection' | 'initiatorSpi' | 'responderSpi' | 'algorithms' | 'natt'> & { readonly handshake: Handshake | undefined; readonly keys: PhaseOneKeys | undefined };

export class IsakmpSa extends AnyIkeSa<V1Context> {
  declare readonly children: Set<V1Child>;
  /** When phase 1 has begun, and when it was over. */
  readonly begun: Instant;
  made: Instant | undefined;
  algorithms: PhaseOneAlgorithms | undefined;
  handshake: Handshake | undefined;
  /** The version of NAT-T that both know; undefined for none. */
  natt: NattTraits | undefined;
  keys: PhaseOneKeys | undefined;
  /** The peer has said that it answers R-U-THERE (RFC 3706 §5.1). */
  answersProbes = false;
  /** R-U-THERE that were sent since an answer came, by the sequence numbers of the first and the last one. */
  probes: { readonly first: number; last: number } | undefined;
  lastProbe: number | undefined;
  /** The sequence number of the peer's last R-U-THERE. */
  peersLastProbe: number | undefined;
  /** Quick modes of ours that wait for their answer, by the SPI that they propose. */
  readonly wishes = new Map<number, ChildWish>();
  /** When it is over, from its beginning on: the shorter of what both sides have said. */
  lifetime: Duration | undefined;
  /** Child SAs may be made: the client has shown its password, where one is asked for. */
  admitted = true;
  /** It has taken over what another had: nothing is to be asked for again. */
  inherits = false;
  /** What lies behind the gateway, as it has told its client. */
  splitNetworks: readonly Prefix[] = [];
  /** The ISAKMP SA that has taken over its children. */
  successor: IsakmpSa | undefined;
  /** Both sides take messages in pieces; those that wait for others. */
  fragmentation = false;
  readonly fragments = new Fragments();
  #cipher: MessageCipher | undefined;
  readonly #exchanges = new Map<number, Exchange>();
  /** Message IDs that an authenticated message has had: none begins a second exchange. */
  readonly #usedMessageIds = new Set<number>();

  constructor(context: V1Context, beginning: Beginning) {
    super(context, beginning);
    this.begun = context.now;
  }

  get settings(): V1Settings {
    const { name, ike } = this.connection;
    if (ike.version !== 'v1') throw new Error(`${name} is not a connection of IKEv1`);
    return ike;
  }

  /** RFC 3947 §5.1: with a NAT on the way, ESP goes in UDP by the ports of IKE. */
  get encapsulation(): Encapsulation {
    if (!natFound(this.nat) || this.natt === undefined) return 'none';
    if (!this.natt.moves) return 'udp-non-ike';
    return this.local.port === natTraversalPort ? 'udp' : 'none';
  }

  /** The others with the same peer at the same place. */
  get kin(): readonly IsakmpSa[] {
    const { peerIdentity, connection, peer } = this;
    if (peerIdentity === undefined) return [];
    return this.context.sas.ofPeer(peerIdentity).filter((other) => other !== this && other.connection.name === connection.name && sameEndpoint(other.peer, peer));
  }

  childExpires(child: V1Child, limit: 'soft' | 'hard'): void {
    this.context.childExpires(child, limit);
  }

  // ---- keys

  useKeys(keys: PhaseOneKeys): void {
    const { cipher: suite, hash } = this.algorithms!;
    const key = encryptionKey(hash.prf, keys.skeyidE, suite.keyLength);
    this.keys = keys;
    this.#cipher = suite.create(key);
    this.context.event({ kind: 'isakmp-keys', ...this.name, encryption: suite.name, encryptionKey: toHex(key) });
    wipe(key);
  }

  /** What comes next in phase 1 is encrypted, in either direction (RFC 2409 appendix B). */
  encryptPhaseOne(): void {
    const { publicI, publicR } = this.handshake!;
    const { hash, cipher } = this.algorithms!;
    this.exchange(0)!.encrypt(new IvChain(this.#cipher!, phaseOneIv(hash, publicI, publicR, cipher.blockLength)));
  }

  // ---- exchanges

  /** The one under way, or lately over, that has this message ID. */
  exchange(messageId: number): Exchange | undefined {
    return this.#exchanges.get(messageId);
  }

  /** Phase 1 itself: message ID zero. */
  beginPhaseOne(name: ExchangeName): Exchange {
    const exchange = new Exchange(this, { name, messageId: 0, isOurs: this.role === 'initiator', unanswered: (transmissions) => this.unanswered(name, transmissions) });
    this.#exchanges.set(0, exchange);
    return exchange;
  }

  /** An exchange of ours in phase 2: its message ID was never used. */
  beginExchange(name: ExchangeName, unanswered: ExchangeOptions['unanswered'] = () => undefined): Exchange {
    let messageId = 0;
    while (messageId === 0 || this.#usedMessageIds.has(messageId)) messageId = this.context.random.uint32();
    const exchange = this.#phaseTwo({ name, messageId, isOurs: true, unanswered });
    this.keep(exchange);
    return exchange;
  }

  /** An exchange of the peer's; it is kept when its first message is believed. */
  peersExchange(name: ExchangeName, messageId: number, unanswered: ExchangeOptions['unanswered'] = () => undefined): Exchange {
    return this.#phaseTwo({ name, messageId, isOurs: false, unanswered });
  }

  keep(exchange: Exchange): void {
    const { now, config } = this.context;
    const memory = wholeWait(config.retransmission);
    for (const [messageId, { over }] of this.#exchanges) {
      if (messageId !== 0 && over !== undefined && now - over > memory) this.#exchanges.delete(messageId);
    }
    this.#exchanges.set(exchange.messageId, exchange);
    this.#usedMessageIds.add(exchange.messageId);
  }

  wasUsed(messageId: number): boolean {
    return this.#usedMessageIds.has(messageId);
  }

  #phaseTwo(options: Omit<ExchangeOptions, 'ivs'>): Exchange {
    const { hash, cipher } = this.algorithms!;
    const iv = phaseTwoIv(hash, this.exchange(0)!.lastBlock!, options.messageId, cipher.blockLength);
    return new Exchange(this, { ...options, ivs: new IvChain(this.#cipher!, iv) });
  }

  // ---- the end

  /** The children and the inner address are another's from now on. */
  handOver(to: IsakmpSa): void {
    for (const child of this.children) {
      child.ike = to;
      to.children.add(child);
    }
    this.children.clear();
    to.splitNetworks = this.splitNetworks;
    to.virtualAddress ??= this.virtualAddress;
    this.virtualAddress = undefined;
  }

  /** No answer, however often it was asked: the peer is taken for dead. */
  unanswered(what: string, transmissions: number): void {
    const { me, other } = this.names;
    const story = `${other} has not answered ${me}'s ${what} message in ${transmissions} transmissions`;
    if (this.state === 'connecting') {
      const predecessor = this.handshake?.predecessor;
      this.close('failed', `${story}: no ISAKMP SA comes about.${diagnosis(this)}`);
      if (predecessor?.state === 'established') this.context.rekey(predecessor);
      else if (this.role === 'initiator' && this.connection.keyingTries === 'forever') this.context.tryAgain(this.connection);
      return;
    }
    this.context.event({ kind: 'peer-dead', ...this.name, peer: this.peer, story: `${story}: it is taken for dead.` });
    this.close(this.state === 'rekeyed' ? 'deleted' : 'failed', `${story}: the ISAKMP SA and everything under it is forgotten.${diagnosis(this)}`);
  }

  close(state: 'deleted' | 'failed', story: string): void {
    if (this.isGone) return;
    if (this.successor?.isGone === false) this.handOver(this.successor);
    for (const { abandon } of this.wishes.values()) abandon('The ISAKMP SA that it was asked for under is gone.');
    for (const child of this.children) removeChild(child, 'deleted', 'Its ISAKMP SA is gone, and nobody could renew or end the child SA without it.');
    for (const spi of this.reservedSpis) releaseSpi(this, spi);
    this.state = 'gone';
    for (const exchange of this.#exchanges.values()) exchange.close();
    this.#exchanges.clear();
    this.cancelAll();
    this.context.sas.remove(this);
    this.giveAddressBack();
    this.handshake = undefined;
    if (this.keys !== undefined) wipe(...(Object.values(this.keys) as Uint8Array[]));
    const { peer, peerIdentity } = this;
    this.context.event({ kind: 'ike-sa', state, ...this.name, peer, ...(peerIdentity === undefined ? {} : { peerIdentity }), story });
  }
}
