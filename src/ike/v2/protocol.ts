/** IKEv2: which IKE SA a message belongs to, whether it is believed, and who deals with it (RFC 7296 §2.1, §2.6, §2.21). */
import { after, seconds, type Instant } from '../../core/time.ts';
import { decodeMessage, decodePayloads, encodeMessage } from '../../wire/ike/codec.ts';
import { exchangeTypes, ikeVersion2, notifyTypes, protocolIds, type ExchangeName, type IkeHeader, type IkeMessage, type Payload, type ProtectedIkeMessage } from '../../wire/ike/message.ts';
import { exchangeName } from '../../wire/ike/notation.ts';
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { takesPort, type Connections } from '../connections.ts';
import type { IkeContext } from '../context.ts';
import { startKeepalives } from '../keepalive.ts';
import { followPeer } from '../peer-address.ts';
import { followFloat } from '../port-float.ts';
import type { IkeCommand } from '../ports.ts';
import { SaTable } from '../sa-table.ts';
import type { IkeVersion } from '../version.ts';
import { answerAuth, authenticate } from './auth.ts';
import { CookieJar } from './cookie.ts';
import { answerNewChild, createChild, rekeyChild } from './create-child.ts';
import { asksAgain, open } from './fragmentation.ts';
import { answerInformational, deleteChild, deleteIkeSa, probe } from './informational.ts';
import { answerInit, expireHalfOpen, initiate, receiveInitAnswer } from './init.ts';
import { watchLiveness } from './liveness.ts';
import { notify, only } from './payloads.ts';
import { answerIkeRekey, peerHasDecided, rekeyIkeSa, watchIkeLifetime } from './rekey-ike.ts';
import type { IkeSa, Message, V2Context } from './sa.ts';

/** Nobody is told of an error outside of an IKE SA more often than this (RFC 7296 §2.21.4). */
const sparseInterval = seconds(1);

export class IkeV2 implements IkeVersion {
  readonly #context: V2Context;
  readonly #connections: Connections;
  #sparseUntil: Instant;

  constructor(context: IkeContext, connections: Connections) {
    this.#context = v2Context(context, (connection) => this.initiate(connection));
    this.#connections = connections;
    this.#sparseUntil = context.now;
  }

  // ---- datagrams

  receive(bytes: Uint8Array, path: Path): void {
    const message = decodeMessage(bytes);
    if (!message.ok) {
      this.#context.drop(message.reason, message.detail, bytes, path.peer);
      return;
    }
    const { header } = message.value;
    if (header.exchange === exchangeTypes.IKE_SA_INIT) this.#receiveInit(message.value, bytes, path);
    else this.#receiveProtected(message.value, bytes, path);
  }

  #receiveInit(message: IkeMessage | ProtectedIkeMessage, bytes: Uint8Array, path: Path): void {
    const { header } = message;
    const { flags } = header;
    if ('bodyAt' in message || flags.initiator === flags.response || header.messageId !== 0) {
      this.#context.drop('ike-malformed', 'not a message of IKE_SA_INIT: its flags, message ID or payloads say something else', bytes, path.peer);
      return;
    }
    const critical = criticalUnknown(message.payloads);
    if (critical !== undefined) {
      this.#context.drop('ike-unknown-critical-payload', `payload ${critical}`, bytes, path.peer);
      if (!flags.response) this.#answerOutside(header, notifyTypes.UNSUPPORTED_CRITICAL_PAYLOAD, path, Uint8Array.of(critical));
      return;
    }
    if (!flags.response) {
      if (header.responderSpi.some((octet) => octet !== 0)) this.#context.drop('ike-malformed', 'a first message that knows a responder SPI', bytes, path.peer);
      else this.#answerInit(message, bytes, path);
      return;
    }
    const sa = this.#context.sas.bySpi(header.initiatorSpi);
    if (sa?.role === 'initiator') receiveInitAnswer(sa, message, bytes, path);
    else this.#context.drop('ike-unknown-spi', 'an answer to no IKE_SA_INIT of ours', bytes, path.peer);
  }

  #answerInit(message: IkeMessage, bytes: Uint8Array, path: Path): void {
    const known = this.#connections.with(path.peer, 'v2');
    const candidates = known.filter((connection) => takesPort(connection, path.peer));
    if (known.length > 0 && candidates.length === 0) this.#context.drop('ike-source-port', `IKE from port ${path.peer.port}, and only port 500 is answered`, bytes, path.peer);
    else answerInit(this.#context, message, bytes, path, candidates);
  }

  #receiveProtected(message: IkeMessage | ProtectedIkeMessage, bytes: Uint8Array, path: Path): void {
    const { header } = message;
    const { flags, messageId } = header;
    const sa = this.#context.sas.bySpi(flags.initiator ? header.responderSpi : header.initiatorSpi);
    if (sa === undefined || !sa.hasKeys || !belongs(sa, header)) {
      this.#context.drop('ike-unknown-spi', `${exchangeName(header.exchange)} for an IKE SA that is not here`, bytes, path.peer);
      if (!flags.response) this.#answerOutside(header, notifyTypes.INVALID_IKE_SPI, path);
      return;
    }
    const exchange = knownExchanges.get(header.exchange);
    if (!('bodyAt' in message)) {
      // RFC 7296 §2.21: errors in the clear may come from anybody
      this.#context.drop('ike-authentication', 'not protected, so not believed', bytes, path.peer);
      return;
    }
    if (exchange === undefined) {
      this.#context.drop('ike-unexpected-exchange', exchangeName(header.exchange), bytes, path.peer);
      return;
    }
    const place = flags.response ? (sa.window.awaits(exchange, messageId) ? 'new' : 'outside') : sa.window.judge(messageId, bytes);
    if (place === 'same') {
      if (sa.state === 'connecting') expireHalfOpen(sa);
      sa.window.answerAgain(path);
      return;
    }
    if (place === 'like-last' && message.fragment !== undefined) {
      if (asksAgain(sa, message, message.fragment, path)) sa.window.answerAgain(path);
      return;
    }
    if (place !== 'new') {
      this.#context.drop(flags.response ? 'ike-unexpected-response' : 'ike-message-id', `${exchange} ${flags.response ? 'answer' : 'request'} ${messageId}`, bytes, path.peer);
      return;
    }
    const opened = open(sa, message, path);
    if (opened === undefined) return;
    if (!flags.response && !expected(sa, exchange)) {
      this.#context.drop('ike-unexpected-exchange', `${exchange} while ${sa.state}`, bytes, path.peer);
      return;
    }
    const payloads = decodePayloads(opened.firstInner, opened.plaintext);
    const about = { exchange, response: flags.response, messageId, retransmission: 0, ...(opened.fragments === undefined ? {} : { fragments: opened.fragments }) };
    this.#heard(sa, path);
    if (flags.response) this.#takeAnswer(sa, about, payloads, opened.bytes, path);
    else this.#takeRequest(sa, about, payloads, opened.bytes, path);
  }

  /** A fresh and authentic message: the peer lives, and lives there (RFC 7296 §2.23, §2.4). */
  #heard(sa: IkeSa, path: Path): void {
    sa.lastHeard = this.#context.now;
    if (sa.state === 'connecting' && sa.role === 'responder') followFloat(sa, path);
  }

  #takeAnswer(sa: IkeSa, about: Message, payloads: ReturnType<typeof decodePayloads>, bytes: Uint8Array, path: Path): void {
    if (!payloads.ok) {
      this.#context.drop(payloads.reason, payloads.detail, bytes, path.peer);
      sa.window.takeAnswer([]);
      sa.close('failed', `${sa.names.other} answers what cannot be read: ${payloads.detail}.`);
      return;
    }
    const critical = criticalUnknown(payloads.value);
    if (critical !== undefined) {
      this.#context.drop('ike-unknown-critical-payload', `payload ${critical}`, bytes, path.peer);
      return;
    }
    sa.received(payloads.value, about, path);
    followPeer(sa, path.peer, 'ike');
    sa.window.takeAnswer(payloads.value);
  }

  #takeRequest(sa: IkeSa, about: Message, payloads: ReturnType<typeof decodePayloads>, bytes: Uint8Array, path: Path): void {
    const { exchange } = about;
    sa.window.accept(exchange, bytes, path);
    if (!payloads.ok) {
      // RFC 7296 §2.21.3: fatal for both
      this.#context.drop(payloads.reason, payloads.detail, bytes, path.peer);
      sa.window.answer([notify(notifyTypes.INVALID_SYNTAX)]);
      sa.close('failed', `${sa.names.other} asks what cannot be read: ${payloads.detail}.`);
      return;
    }
    sa.received(payloads.value, about, path);
    if (sa.state !== 'connecting') followPeer(sa, path.peer, 'ike');
    const critical = criticalUnknown(payloads.value);
    if (critical !== undefined) {
      this.#context.drop('ike-unknown-critical-payload', `payload ${critical}`, bytes, path.peer);
      sa.window.answer([notify(notifyTypes.UNSUPPORTED_CRITICAL_PAYLOAD, Uint8Array.of(critical))]);
      if (sa.state === 'connecting') sa.close('failed', `${sa.names.other} insists on payload ${critical}, which nobody here knows.`);
      return;
    }
    peerHasDecided(sa, payloads.value);
    switch (exchange) {
      case 'IKE_AUTH':
        answerAuth(sa, payloads.value, this.#connections.with(path.peer, 'v2'), this.#established);
        return;
      case 'CREATE_CHILD_SA':
        this.#answerCreateChild(sa, payloads.value);
        return;
      case 'INFORMATIONAL':
        answerInformational(sa, payloads.value);
        return;
      case 'IKE_SA_INIT':
        return; // never protected
    }
  }

  /** RFC 7296 §1.3: the SA payload says what is to be made. An IKE SA on its way out takes nothing new (§2.25.2). */
  #answerCreateChild(sa: IkeSa, payloads: readonly Payload[]): void {
    if (sa.state !== 'established') sa.window.answer([notify(notifyTypes.TEMPORARY_FAILURE)]);
    else if (only(payloads, 'SA')?.proposals.some(({ protocol }) => protocol === protocolIds.IKE)) answerIkeRekey(sa, payloads, this.#established);
    else answerNewChild(sa, payloads);
  }

  /** What runs as long as an IKE SA stands. */
  readonly #established = (sa: IkeSa): void => {
    startKeepalives(sa);
    watchLiveness(sa);
    watchIkeLifetime(sa, this.#established);
  };

  // ---- commands

  command(connection: ConnectionConfig, command: IkeCommand): void {
    if (command.kind === 'initiate') {
      this.initiate(connection);
      return;
    }
    const { peerIdentity } = command;
    const named = this.#context.sas.ofConnection(connection.name).filter((sa) => peerIdentity === undefined || sa.peerIdentity === peerIdentity);
    const sas = command.kind === 'terminate' ? named : named.filter(({ state }) => state === 'established');
    if (sas.length === 0) this.#refuse(command, `${connection.name} has no IKE SA${peerIdentity === undefined ? '' : ` with ${peerIdentity}`}`);
    for (const sa of sas) {
      switch (command.kind) {
        case 'terminate':
          deleteIkeSa(sa, `${sa.names.me} has ended the IKE SA with ${sa.names.other}.`);
          break;
        case 'probe':
          probe(sa);
          break;
        case 'rekey':
          if (command.what === 'ike') rekeyIkeSa(sa, this.#established);
          else for (const child of sa.children) rekeyChild(child);
          break;
      }
    }
  }

  /** A new IKE SA, or another child under the one that is there. */
  initiate(connection: ConnectionConfig): void {
    const { remote } = connection;
    const there = this.#context.sas.ofConnection(connection.name).filter(({ state }) => state === 'established' || state === 'connecting');
    if (remote === 'any') {
      this.#refuse({ kind: 'initiate', connection: connection.name }, `${connection.name} waits for anybody: it knows nobody to call`);
    } else if (there.length === 0) {
      initiate(this.#context, { ...connection, remote }, (sa) => authenticate(sa, this.#established));
    } else {
      const idle = there.find(({ state, children }) => state === 'established' && children.size === 0);
      if (idle !== undefined) createChild(idle);
      else this.#refuse({ kind: 'initiate', connection: connection.name }, `${connection.name} is up or on its way`);
    }
  }

  wanted(connection: ConnectionConfig): void {
    const up = this.#context.sas.ofConnection(connection.name).find(({ state }) => state === 'established' || state === 'connecting');
    if (up === undefined) this.initiate(connection);
    else if (up.state === 'established' && up.children.size === 0) createChild(up);
  }

  #refuse(command: IkeCommand, why: string): void {
    this.#context.event({ kind: 'command-refused', command: command.kind, why });
  }

  // ---- what is outside of every IKE SA

  /** RFC 7296 §2.21.4: in the clear, with the message's own SPIs and message ID, seldom. */
  #answerOutside({ initiatorSpi, responderSpi, exchange, flags, messageId }: IkeHeader, notifyType: number, { local, peer }: Path, data?: Uint8Array): void {
    if (this.#context.now < this.#sparseUntil) return;
    this.#sparseUntil = after(this.#context.now, sparseInterval);
    const header = { initiatorSpi, responderSpi, version: ikeVersion2, exchange, flags: { initiator: !flags.initiator, higherVersion: false, response: true }, messageId };
    this.#context.transmit(local, peer, encodeMessage({ header, payloads: [notify(notifyType, data)] }));
  }

  /** RFC 7296 §2.5. */
  refuseVersion(header: IkeHeader, path: Path): void {
    if (!header.flags.response) this.#answerOutside(header, notifyTypes.INVALID_MAJOR_VERSION, path);
  }
}

const knownExchanges: ReadonlyMap<number, ExchangeName> = new Map(Object.entries(exchangeTypes).map(([name, id]) => [id, name as ExchangeName]));

/** Both SPIs and the side that it claims to come from are those of the IKE SA. */
const belongs = ({ role, initiatorSpi, responderSpi }: IkeSa, { flags, ...header }: IkeHeader): boolean =>
  flags.initiator === (role === 'responder') &&
  header.initiatorSpi.every((octet, i) => octet === initiatorSpi[i]) &&
  header.responderSpi.every((octet, i) => octet === responderSpi[i]);

/** IKE_AUTH comes once, from the initiator; everything else comes after it (RFC 7296 §1). */
const expected = ({ state, role }: IkeSa, exchange: ExchangeName): boolean =>
  exchange === 'IKE_AUTH' ? role === 'responder' && state === 'connecting' : state !== 'connecting';

/** The type of a payload that we do not know and may not skip (RFC 7296 §2.5). */
const criticalUnknown = (payloads: readonly Payload[]): number | undefined =>
  payloads.find((payload): payload is Extract<Payload, { type: 'Unknown' }> => payload.type === 'Unknown' && payload.critical)?.payloadType;

/** The daemon's context shines through, `now` included. */
function v2Context(context: IkeContext, tryAgain: V2Context['tryAgain']): V2Context {
  const own: Omit<V2Context, keyof IkeContext> = {
    sas: new SaTable(),
    cookies: new CookieJar(context.random, context.now),
    tryAgain,
    childExpires: (child, limit) => (limit === 'soft' ? rekeyChild(child) : deleteChild(child, 'Its lifetime is over.')),
  };
  return Object.assign(Object.create(context) as IkeContext, own);
}
