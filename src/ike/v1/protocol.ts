/** IKEv1: which ISAKMP SA a message belongs to, whether its exchange is expected, and who deals with it (RFC 2408 §5.2, RFC 2409 §5). */
import { sameBytes, toHex } from '../../core/bytes.ts';
import { refused, type Refusal } from '../../core/decoded.ts';
import { after, seconds, type Instant } from '../../core/time.ts';
import { decodeMessage, encodeMessage } from '../../wire/ike/v1/codec.ts';
import { exchangeTypes, ikeVersion1, notifyTypes, type ClearMessage, type EncryptedMessage, type IsakmpHeader } from '../../wire/ike/v1/message.ts';
import { exchangeName, notation } from '../../wire/ike/v1/notation.ts';
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { takesPort, type Connections } from '../connections.ts';
import type { IkeContext } from '../context.ts';
import { startKeepalives } from '../keepalive.ts';
import type { IkeCommand } from '../ports.ts';
import { SaTable } from '../sa-table.ts';
import type { IkeVersion } from '../version.ts';
import { probe, watchLiveness } from './dead-peer-detection.ts';
import { exchanges, type Arrived } from './exchange.ts';
import { fragmentIn, takeFragment } from './fragmentation.ts';
import { hearInformational } from './informational.ts';
import { initiatePhaseOne } from './initiate.ts';
import { answerAggressiveMode } from './aggressive-mode.ts';
import { answerMainMode } from './main-mode.ts';
import { deleteChild, deleteIsakmpSa } from './notices.ts';
import { PasswordAttempts } from './password-attempts.ts';
import { notification, only } from './payloads.ts';
import { answerQuickMode, createChildren, rekeyChild } from './quick-mode.ts';
import { afterPhaseOne, judgeConfiguration } from './remote-access.ts';
import { rekeyIsakmpSa, succeed, watchLifetime } from './rekey.ts';
import type { IsakmpSa, V1Child, V1Context } from './sa.ts';
import { messageStory } from './story.ts';
import { answerTransaction } from './transaction.ts';
import { missingPairs } from './wanted-pairs.ts';

/** Nobody is told of an error outside of an ISAKMP SA more often than this. */
const sparseInterval = seconds(1);

export class IkeV1 implements IkeVersion {
  readonly #context: V1Context;
  readonly #connections: Connections;
  #sparseUntil: Instant;

  constructor(context: IkeContext, connections: Connections) {
    this.#context = v1Context(context, (connection) => this.initiate(connection));
    this.#connections = connections;
    this.#sparseUntil = context.now;
  }

  // ---- datagrams

  /** `fragments`: in how many pieces it came, if it was not whole. */
  receive(bytes: Uint8Array, path: Path, fragments?: number): void {
    const decoding = decodeMessage(bytes);
    if (!decoding.ok) {
      this.#context.drop(decoding.reason, decoding.detail, bytes, path.peer);
      return;
    }
    const message: Arrived = fragments === undefined ? decoding.value : { ...decoding.value, fragments };
    const { header } = message;
    const unwanted = refusalOf(header);
    if (unwanted !== undefined) {
      this.#context.drop(unwanted.reason, unwanted.detail, bytes, path.peer);
      return;
    }
    if (isZero(header.responderCookie)) {
      this.#receiveFirst(message, bytes, path);
      return;
    }
    const sa = this.#find(header);
    if (sa === undefined) {
      this.#context.drop('isakmp-unknown-cookies', `${exchangeName(header.exchange)} of an ISAKMP SA that is not here`, bytes, path.peer);
      return;
    }
    const fragment = fragmentIn(message);
    if (fragment !== undefined && !('ciphertext' in message)) {
      const whole = takeFragment(sa, message, fragment, bytes, path);
      if (whole !== undefined) this.receive(whole.bytes, path, whole.fragments);
      return;
    }
    const exchange = sa.exchange(header.messageId);
    if (exchange !== undefined && exchanges[exchange.name] === header.exchange) exchange.receive(message, bytes, path);
    else this.#receiveOther(sa, message, bytes, path);
  }

  /** By both cookies; the initiator learns the responder's with message 2. */
  #find({ initiatorCookie, responderCookie }: IsakmpHeader): IsakmpSa | undefined {
    const asResponder = this.#context.sas.bySpi(responderCookie);
    if (asResponder?.role === 'responder' && sameBytes(asResponder.initiatorSpi, initiatorCookie)) return asResponder;
    const asInitiator = this.#context.sas.bySpi(initiatorCookie);
    if (asInitiator?.role !== 'initiator') return undefined;
    return isZero(asInitiator.responderSpi) || sameBytes(asInitiator.responderSpi, responderCookie) ? asInitiator : undefined;
  }

  /** What begins an exchange of phase 2, or belongs to none. */
  #receiveOther(sa: IsakmpSa, message: ClearMessage | EncryptedMessage, bytes: Uint8Array, path: Path): void {
    const { exchange, messageId } = message.header;
    if (exchange === exchangeTypes.INFORMATIONAL && !('ciphertext' in message)) {
      hearInformational(sa, message, bytes, path);
      return;
    }
    if (messageId === 0 || sa.keys === undefined) {
      this.#context.drop('isakmp-exchange', `${exchangeName(exchange)} with message ID ${messageId} while ${sa.state}`, bytes, path.peer);
      return;
    }
    if (sa.wasUsed(messageId)) {
      this.#context.drop('isakmp-message-id', `message ID ${messageId} was that of another exchange`, bytes, path.peer);
      return;
    }
    if (exchange === exchangeTypes.INFORMATIONAL) hearInformational(sa, message, bytes, path);
    else if (exchange === exchangeTypes.QUICK_MODE && sa.state !== 'connecting' && sa.admitted) answerQuickMode(sa, message, bytes, path);
    else if (exchange === exchangeTypes.TRANSACTION && sa.state !== 'connecting') answerTransaction(sa, message, bytes, path, (asked) => judgeConfiguration(sa, asked));
    else this.#context.drop('isakmp-exchange', `${exchangeName(exchange)} while ${sa.admitted ? sa.state : 'XAUTH is not over'}`, bytes, path.peer);
  }

  // ---- the first message

  #receiveFirst(message: ClearMessage | EncryptedMessage, bytes: Uint8Array, path: Path): void {
    const { header } = message;
    const { drop, sas, config } = this.#context;
    const begun = sas.byFirstMessage(toHex(header.initiatorCookie))?.exchange(0);
    if (begun !== undefined) {
      // RFC 2408 §2.5.3: to go on takes our cookie, which only who gets our answers knows
      if (begun.heard(bytes)) begun.receive(message, bytes, path);
      else drop('isakmp-exchange', 'its initiator has begun with another message', bytes, path.peer);
      return;
    }
    const mode = header.exchange === exchangeTypes.MAIN_MODE ? 'main' : header.exchange === exchangeTypes.AGGRESSIVE_MODE ? 'aggressive' : undefined;
    if ('ciphertext' in message || mode === undefined || header.messageId !== 0) {
      const isOurs = sas.bySpi(header.initiatorCookie)?.role === 'initiator';
      if (isOurs && !('ciphertext' in message) && header.exchange === exchangeTypes.INFORMATIONAL) hearInformational(sas.bySpi(header.initiatorCookie)!, message, bytes, path);
      else drop('isakmp-exchange', `${exchangeName(header.exchange)} without an ISAKMP SA`, bytes, path.peer);
      return;
    }
    if (sas.bySpi(header.initiatorCookie) !== undefined) {
      drop('isakmp-unknown-cookies', 'the cookie is one of our own', bytes, path.peer);
      return;
    }
    const [first] = message.payloads;
    if (first?.type !== 'SA' || only(message, 'SA')?.proposals.length !== 1) {
      drop('isakmp-payloads', 'a first message begins with the SA payload, and there is one, of one proposal', bytes, path.peer);
      return;
    }
    const known = this.#connections.with(path.peer, 'v1').filter(({ ike }) => ike.version === 'v1' && ike.exchange === mode);
    const candidates = known.filter((connection) => takesPort(connection, path.peer));
    if (known.length > 0 && candidates.length === 0) {
      drop('ike-source-port', `IKE from port ${path.peer.port}, and only port 500 is answered`, bytes, path.peer);
      return;
    }
    if (candidates.length === 0) {
      drop('isakmp-no-connection', `no connection for ${mode} mode with ${path.peer.address}`, bytes, path.peer);
      this.#refuse(header, notifyTypes.NO_PROPOSAL_CHOSEN, path);
      return;
    }
    if (sas.halfOpen >= config.halfOpenLimit) {
      drop('isakmp-half-open-limit', `${sas.halfOpen} ISAKMP SAs are half-open`, bytes, path.peer);
      return;
    }
    const answer = answerPhaseOne[mode](this.#context, { message, bytes, path }, candidates);
    if (answer.ok) {
      answer.value();
      return;
    }
    drop(answer.reason, answer.detail, bytes, path.peer);
    if (answer.reason === 'isakmp-proposal') this.#refuse(header, notifyTypes.NO_PROPOSAL_CHOSEN, path);
  }

  /** In the clear and seldom: whoever hears it knows no more than that somebody says so. */
  #refuse({ initiatorCookie, responderCookie }: IsakmpHeader, notifyType: number, { local, peer }: Path): void {
    const { now, random } = this.#context;
    if (now < this.#sparseUntil) return;
    this.#sparseUntil = after(now, sparseInterval);
    const messageId = random.uint32();
    const header = { initiatorCookie, responderCookie, version: ikeVersion1, exchange: exchangeTypes.INFORMATIONAL, flags: { encryption: false, commit: false, authenticationOnly: false }, messageId };
    const payloads = [notification(notifyType)];
    this.#context.transmit(local, peer, encodeMessage({ header, payloads }));
    this.#context.event({
      kind: 'ike-message', direction: 'sent', local, peer, exchange: 'informational', messageId, response: false, retransmission: 0,
      initiatorSpi: toHex(initiatorCookie), responderSpi: toHex(responderCookie), notation: notation(header, payloads, 'initiator'),
      story: messageStory({ me: local.address, other: peer.address }, 'sent', payloads, { exchange: 'informational', response: false, retransmission: 0 }),
    });
  }

  // ---- commands

  command(connection: ConnectionConfig, command: IkeCommand): void {
    if (command.kind === 'initiate') {
      this.initiate(connection);
      return;
    }
    const { peerIdentity } = command;
    const named = this.#context.sas.ofConnection(connection.name).filter((sa) => peerIdentity === undefined || sa.peerIdentity === peerIdentity);
    const sas = command.kind === 'terminate' ? named : named.filter(({ state }) => state === 'established');
    if (sas.length === 0) this.#refuseCommand(command, `${connection.name} has no ISAKMP SA${peerIdentity === undefined ? '' : ` with ${peerIdentity}`}`);
    for (const sa of sas) {
      switch (command.kind) {
        case 'terminate':
          deleteIsakmpSa(sa, `${sa.names.me} has ended the ISAKMP SA with ${sa.names.other}.`);
          break;
        case 'probe':
          // RFC 3706 §5.1: who has not announced it would not answer
          if (sa.answersProbes) probe(sa);
          else this.#refuseCommand(command, `${sa.names.other} has not said that it answers R-U-THERE`);
          break;
        case 'rekey':
          if (command.what === 'ike') rekeyIsakmpSa(sa);
          else for (const child of sa.children) rekeyChild(child);
          break;
      }
    }
  }

  /** A new ISAKMP SA, or child SAs under the one that is there. */
  initiate(connection: ConnectionConfig): void {
    const { remote } = connection;
    const there = this.#context.sas.ofConnection(connection.name).filter(isThere);
    if (remote === 'any') {
      this.#refuseCommand({ kind: 'initiate', connection: connection.name }, `${connection.name} waits for anybody: it knows nobody to call`);
    } else if (there.length === 0) {
      const port = connection.startPort;
      initiatePhaseOne(this.#context, connection, { local: { address: this.#context.config.address, port }, peer: { address: remote, port } });
    } else {
      const lacking = there.find(lacksChildren);
      if (lacking !== undefined) createChildren(lacking);
      else this.#refuseCommand({ kind: 'initiate', connection: connection.name }, `${connection.name} is up or on its way`);
    }
  }

  wanted(connection: ConnectionConfig): void {
    const up = this.#context.sas.ofConnection(connection.name).find(isThere);
    if (up === undefined) this.initiate(connection);
    else if (lacksChildren(up)) createChildren(up);
  }

  #refuseCommand(command: IkeCommand, why: string): void {
    this.#context.event({ kind: 'command-refused', command: command.kind, why });
  }
}

const answerPhaseOne = { main: answerMainMode, aggressive: answerAggressiveMode };

/** Up, or on its way because we want it; what others begin may come to nothing. */
const isThere = ({ state, role }: IsakmpSa): boolean => state === 'established' || (state === 'connecting' && role === 'initiator');

/** There is traffic without a child SA, and nothing stands in the way of one. */
const lacksChildren = (sa: IsakmpSa): boolean =>
  sa.state === 'established' && sa.admitted && (sa.connection.virtualAddress !== 'request' || sa.virtualAddress !== undefined) && missingPairs(sa).length > 0;

/** What no message may have in its header (RFC 2408 §3.1, §5.2). */
function refusalOf({ version, initiatorCookie }: IsakmpHeader): Refusal | undefined {
  if (version !== ikeVersion1) return refused('isakmp-version', `minor version ${version & 0x0f}`);
  if (isZero(initiatorCookie)) return refused('isakmp-unknown-cookies', 'the initiator has no cookie');
  return undefined;
}

const isZero = (cookie: Uint8Array): boolean => cookie.every((octet) => octet === 0);

/** What runs as long as an ISAKMP SA stands, and what comes next. */
function established(sa: IsakmpSa): void {
  startKeepalives(sa);
  watchLiveness(sa);
  watchLifetime(sa);
  succeed(sa);
  afterPhaseOne(sa);
}

function childExpires(child: V1Child, limit: 'soft' | 'hard'): void {
  if (limit === 'soft') rekeyChild(child);
  else deleteChild(child, 'Its lifetime is over.');
}

/** The daemon's context shines through, `now` included. */
function v1Context(context: IkeContext, tryAgain: V1Context['tryAgain']): V1Context {
  const own: Omit<V1Context, keyof IkeContext> = { sas: new SaTable(), passwordAttempts: new PasswordAttempts(), established, tryAgain, rekey: rekeyIsakmpSa, childExpires };
  return Object.assign(Object.create(context) as IkeContext, own);
}
