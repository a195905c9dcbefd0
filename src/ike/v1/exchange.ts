/**
 * One exchange of IKEv1: a ladder of messages under one message ID, each side speaking in turn. Who has begun it says its step again until the next one comes.
 * The other side repeats its answer, octet by octet, to who asks again, and of its own accord only when it waits for the last step, since nobody would say that
 * again. If both repeated what they said, one message that came twice would double all that follow (RFC 2408 §5.1 leaves that open; strongSwan and pluto do the same).
 */
import { describeEndpoint, sameEndpoint } from '../../core/address.ts';
import { sameBytes, toHex } from '../../core/bytes.ts';
import { decoded, refused, type Decoded, type Refusal } from '../../core/decoded.ts';
import { after, describeDuration, type Instant } from '../../core/time.ts';
import { encodeMessage } from '../../wire/ike/v1/codec.ts';
import { exchangeTypes, ikeVersion1, notifyTypes, type ClearMessage, type EncryptedMessage, type IsakmpHeader, type Payload, type PayloadChain } from '../../wire/ike/v1/message.ts';
import { notation } from '../../wire/ike/v1/notation.ts';
import type { Alarm } from '../alarm.ts';
import type { Path } from '../any-ike-sa.ts';
import { followPeer } from '../peer-address.ts';
import { followFloat } from '../port-float.ts';
import { inFragments } from './fragmentation.ts';
import { expireHalfOpen } from './half-open.ts';
import type { IvChain } from './iv-chain.ts';
import { notificationOf } from './payloads.ts';
import { waitAfter, wholeWait } from './retransmission.ts';
import type { IsakmpSa } from './sa.ts';
import { messageStory } from './story.ts';

/** As RFC 2409 and Mode-Config call them. */
export const exchanges = {
  main: exchangeTypes.MAIN_MODE, aggressive: exchangeTypes.AGGRESSIVE_MODE, quick: exchangeTypes.QUICK_MODE, informational: exchangeTypes.INFORMATIONAL, transaction: exchangeTypes.TRANSACTION,
} as const;
export type ExchangeName = keyof typeof exchanges;

/** Three messages: who has sent the third waits for nothing, and repeats it only when the second comes again. */
const endsWithInitiator: ReadonlySet<ExchangeName> = new Set(['aggressive', 'quick']);

/** A message as it came: in how many pieces, if it was not whole. */
export type Arrived = (ClearMessage | EncryptedMessage) & { readonly fragments?: number };

/** A message of the peer's that can be read; whether it is believed is for the listener to say. */
export interface Received extends PayloadChain {
  readonly header: IsakmpHeader;
  readonly path: Path;
}

/** Either why a message is not believed, and then nothing has changed, or what follows from it. */
export type Verdict = Decoded<() => void>;
export type Listener = (received: Received) => Verdict;

export interface ExchangeOptions {
  readonly name: ExchangeName;
  /** Zero in phase 1. */
  readonly messageId: number;
  /** This side has begun it. */
  readonly isOurs: boolean;
  /** The peer has not gone on, however often it was told the last step. */
  readonly unanswered: (transmissions: number) => void;
  readonly ivs?: IvChain;
}

interface Step {
  readonly message: Uint8Array;
  readonly payloads: readonly Payload[];
  /** How often it was said again, for whichever reason. */
  retransmission: number;
}

export class Exchange {
  readonly name: ExchangeName;
  readonly messageId: number;
  readonly isOurs: boolean;
  readonly #sa: IsakmpSa;
  readonly #unanswered: ExchangeOptions['unanswered'];
  readonly #alarm: Alarm = { reason: 'retransmission', ring: () => this.#repeat() };
  #ivs: IvChain | undefined;
  #path: Path | undefined;
  #commit = false;
  #sent: Step | undefined;
  /** How often the last step was said again because nothing came. */
  #tries = 0;
  /** The peer's steps so far, as they stood on the wire. */
  readonly #accepted: Uint8Array[] = [];
  #listener: Listener | undefined;
  #over: Instant | undefined;
  #sayAgain: (() => void) | undefined;

  constructor(sa: IsakmpSa, { name, messageId, isOurs, unanswered, ivs }: ExchangeOptions) {
    this.name = name;
    this.messageId = messageId;
    this.isOurs = isOurs;
    this.#sa = sa;
    this.#unanswered = unanswered;
    this.#ivs = ivs;
  }

  /** Messages of either side are encrypted from now on. */
  encrypt(ivs: IvChain): void {
    this.#ivs = ivs;
  }

  /** The last block of the exchange: what phase 2 starts from when this is phase 1 (RFC 2409 appendix B). */
  get lastBlock(): Uint8Array | undefined {
    return this.#ivs?.last;
  }

  /** Since when nothing more of it is awaited; its last step is repeated to who missed it. */
  get over(): Instant | undefined {
    return this.#over;
  }

  /** The commit bit goes with every message from now on. */
  setCommit(): void {
    this.#commit = true;
  }

  // ---- speaking

  /** The next step. With a listener the peer's step is awaited; without, this was the last. */
  send(payloads: readonly Payload[], listener?: Listener): void {
    const header = this.#header();
    const message = this.#ivs === undefined ? encodeMessage({ header, payloads }) : this.#ivs.seal(header, payloads);
    this.#sent = { message, payloads, retransmission: 0 };
    this.#transmit(this.#sent, this.#path ?? this.#sa);
    this.await(listener);
  }

  /** What comes next; without a listener nothing does. */
  await(listener: Listener | undefined): void {
    this.#listener = listener;
    this.#tries = 0;
    if (listener === undefined) this.end();
    else if (this.#sent !== undefined && (this.isOurs || endsWithInitiator.has(this.name))) this.#setTimer();
  }

  /** It stops waiting, and goes on repeating its last step to who asks, or what it says instead. */
  end(sayAgain?: () => void): void {
    this.#listener = undefined;
    this.#over = this.#sa.context.now;
    this.#sayAgain = sayAgain;
    this.#sa.context.alarms.cancel(this.#alarm);
  }

  // ---- listening

  /** The peer's first step, when the exchange is made because of it. */
  listen(listener: Listener): void {
    this.#listener = listener;
  }

  /** Whether this very message was believed before. */
  heard(bytes: Uint8Array): boolean {
    return this.#accepted.some((accepted) => sameBytes(accepted, bytes));
  }

  /** A message under this exchange's message ID: an old one is answered again, the next one is judged, everything else is dropped. */
  receive(message: Arrived, bytes: Uint8Array, path: Path): void {
    const { context } = this.#sa;
    if (this.heard(bytes)) {
      this.#hearAgain(message, bytes, path);
      return;
    }
    const listener = this.#listener;
    if (listener === undefined) {
      context.drop(this.#over === undefined ? 'isakmp-exchange' : 'isakmp-message-id', `${this.name} mode has no next message: it is ${this.#over === undefined ? 'this side that speaks' : 'over'}`, bytes, path.peer);
      return;
    }
    const received = this.#read(message, path);
    if (!received.ok) {
      context.drop(received.reason, received.detail, bytes, path.peer);
      return;
    }
    const verdict = listener(received.value);
    if (!verdict.ok) {
      context.drop(verdict.reason, verdict.detail, bytes, path.peer);
      return;
    }
    this.#accept(message, bytes, path, received.value);
    verdict.value();
  }

  close(): void {
    this.#listener = undefined;
    this.#sa.context.alarms.cancel(this.#alarm);
  }

  #read(message: ClearMessage | EncryptedMessage, path: Path): Decoded<Received> {
    if (!('ciphertext' in message)) return this.name === 'main' && this.#isElsewhere(path) ? this.#stranger(path) : decoded({ ...message, path });
    if (this.#ivs === undefined) return refused('isakmp-exchange', 'encrypted, before there is a key');
    const chain = this.#ivs.open(message);
    return chain.ok ? decoded({ ...chain.value, header: message.header, path }) : refused('isakmp-authentication', `not to be read with the key of this ISAKMP SA: ${chain.detail}`);
  }

  /** Not where the ISAKMP SA is. */
  #isElsewhere({ local, peer }: Path): boolean {
    return !sameEndpoint(peer, this.#sa.peer) || local.port !== this.#sa.local.port;
  }

  /** RFC 2408 §2.5.3: cookies are one party's, and what nothing proves moves nobody. */
  #stranger({ local, peer }: Path): Refusal {
    return refused('isakmp-party', `in the clear, from ${describeEndpoint(peer)} to port ${local.port}, where the cookies are those of ${describeEndpoint(this.#sa.peer)} and port ${this.#sa.local.port}`);
  }

  #accept(message: Arrived, bytes: Uint8Array, path: Path, { payloads }: Received): void {
    const sa = this.#sa;
    this.#accepted.push(bytes.slice());
    this.#sent = undefined;
    this.#listener = undefined;
    sa.context.alarms.cancel(this.#alarm);
    if ('ciphertext' in message) this.#ivs?.follow(message);
    if (!this.isOurs && this.messageId !== 0) this.#path = path;
    sa.lastHeard = sa.context.now;
    if (sa.state === 'connecting' && sa.role === 'responder') {
      followFloat(sa, path);
      expireHalfOpen(sa);
    }
    this.#report('received', { payloads, retransmission: 0 }, path, message.fragments === undefined ? {} : { fragments: message.fragments });
    if (sa.state !== 'connecting') followPeer(sa, path.peer, 'ike');
  }

  // ---- again

  /** A step that was believed before: at most its answer goes out again, and nothing else changes, no timer either. */
  #hearAgain(message: ClearMessage | EncryptedMessage, bytes: Uint8Array, path: Path): void {
    const silence = this.#silenceAbout(message, bytes, path);
    if (silence !== undefined) {
      this.#sa.context.drop(silence.reason, silence.detail, bytes, path.peer);
    } else if (this.#sent === undefined) {
      this.#sayAgain?.();
    } else {
      this.#sent.retransmission++;
      this.#transmit(this.#sent, this.isOurs ? this.#sa : path); // an initiator goes on where it has moved to
    }
  }

  /** Why an old step is not answered again; undefined when it is. */
  #silenceAbout(message: ClearMessage | EncryptedMessage, bytes: Uint8Array, path: Path): Refusal | undefined {
    const { config, now } = this.#sa.context;
    const over = this.#over;
    const old = (detail: string): Refusal => refused(over === undefined ? 'isakmp-exchange' : 'isakmp-message-id', detail);
    if (!sameBytes(bytes, this.#accepted.at(-1)!)) return old('an old message: the exchange has gone on since');
    if (over !== undefined && now - over > wholeWait(config.retransmission)) return old('an old message: the exchange is long over');
    if (!this.isOurs && !('ciphertext' in message) && this.#isElsewhere(path)) return this.#stranger(path);
    if (this.#listener !== undefined && this.isOurs) return old('it came twice: the next step is under way, and is repeated when its time has come');
    if (this.#sent === undefined && this.#sayAgain === undefined) return old(over === undefined ? 'it came twice: its answer is being made' : 'it came twice, and needs no answer');
    return undefined;
  }

  #setTimer(): void {
    const { alarms, now, config } = this.#sa.context;
    alarms.set(this.#alarm, after(now, waitAfter(config.retransmission, this.#tries)));
  }

  /** The next step has not come. */
  #repeat(): void {
    const { retransmission } = this.#sa.context.config;
    const step = this.#sent;
    if (step === undefined) return;
    if (this.#tries >= retransmission.tries) {
      this.end();
      this.#unanswered(this.#tries + 1);
      return;
    }
    const waited = describeDuration(waitAfter(retransmission, this.#tries));
    this.#tries++;
    step.retransmission++;
    this.#transmit(step, this.#path ?? this.#sa, waited);
    this.#setTimer();
  }

  // ---- the wire

  #transmit(step: Step, path: Path, waited?: string): void {
    const { context } = this.#sa;
    // what goes elsewhere keeps no NAT from forgetting the way to the peer
    if (!this.#isElsewhere(path)) this.#sa.lastSent = context.now;
    const messages = inFragments(this.#sa, this.#header(), step.message);
    for (const message of messages) context.transmit(path.local, path.peer, message);
    this.#report('sent', step, path, { ...(waited === undefined ? {} : { waited }), ...(messages.length > 1 ? { fragments: messages.length } : {}) });
  }

  #header(): IsakmpHeader {
    const { initiatorSpi, responderSpi } = this.#sa;
    const flags = { encryption: this.#ivs !== undefined, commit: this.#commit, authenticationOnly: false };
    return { initiatorCookie: initiatorSpi, responderCookie: responderSpi, version: ikeVersion1, exchange: exchanges[this.name], flags, messageId: this.messageId };
  }

  #report(direction: 'sent' | 'received', { payloads, retransmission }: Pick<Step, 'payloads' | 'retransmission'>, { local, peer }: Path, more: { readonly waited?: string; readonly fragments?: number }): void {
    const sa = this.#sa;
    const isInitiator = (direction === 'sent') === this.isOurs;
    // RFC 3706 §5.4: the answer to R-U-THERE is an exchange of its own
    const response = !isInitiator || notificationOf({ payloads }, notifyTypes.R_U_THERE_ACK) !== undefined;
    sa.context.event({
      kind: 'ike-message', direction, local, peer, exchange: this.name, messageId: this.messageId, response, retransmission, ...(more.fragments === undefined ? {} : { fragments: more.fragments }),
      initiatorSpi: toHex(sa.initiatorSpi), responderSpi: toHex(sa.responderSpi),
      notation: notation(this.#header(), payloads, isInitiator ? 'initiator' : 'responder', more.fragments),
      story: messageStory(sa.names, direction, payloads, { exchange: this.name, response, retransmission, ...more }),
    });
  }
}
