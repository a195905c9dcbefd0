/** IKE_SA_INIT: algorithms, Diffie-Hellman, nonces, NAT detection (RFC 7296 §1.2). */
import { describeEndpoint } from '../../core/address.ts';
import { toHex } from '../../core/bytes.ts';
import type { Random } from '../../core/random.ts';
import { after, seconds } from '../../core/time.ts';
import { dhGroup } from '../../crypto/diffie-hellman.ts';
import { ikeKeys } from '../../crypto/ike-keys.ts';
import { wipe } from '../../crypto/secret.ts';
import type { DhGroup } from '../../crypto/types.ts';
import { encodeMessage } from '../../wire/ike/codec.ts';
import { exchangeTypes, ikeVersion2, notifyTypes, type IkeMessage, type Payload } from '../../wire/ike/message.ts';
import { notation, notifyName } from '../../wire/ike/notation.ts';
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { claimedSources, forced, natDetectionStory, natFound } from '../nat-detection.ts';
import { floatPorts } from '../port-float.ts';
import { fragmentationAgreed, fragmentationNotify } from './fragmentation.ts';
import { natDetectionNotifies, natVerdict } from './nat-detection.ts';
import { errorOf, invalidKe, nonceOf, notify, notifyOf, only, wantedGroup } from './payloads.ts';
import { certificateRequest, signatureHashesNotify } from './proof.ts';
import { acceptedIke, chooseIke, ikeProposals, type Chosen, type IkeAlgorithms } from './proposals.ts';
import { IkeSa, type Handshake, type V2Context } from './sa.ts';
import { messageStory } from './story.ts';

const noOctets = new Uint8Array(0);
export const zeroSpi = new Uint8Array(8);
const nonceLength = 32;
/** A responder forgets an initiator that does not go on. */
const halfOpenLifetime = seconds(30);
/** A responder that answers with a COOKIE again and again is not believed for ever. */
const cookieLimit = 5;

export const freshNonce = (random: Random): Uint8Array => random.bytes(nonceLength);

/** An SPI is never zero (RFC 7296 §3.1). */
export function freshSpi(random: Random): Uint8Array {
  const spi = random.bytes(8);
  if (spi.every((octet) => octet === 0)) spi[7] = 1;
  return spi;
}

// ---- the initiator

/** Starts an IKE SA; `authenticate` is called when both sides have keys. */
export function initiate(context: V2Context, connection: ConnectionConfig & { readonly remote: string }, authenticate: (sa: IkeSa) => void): IkeSa {
  const port = connection.startPort;
  const sa = new IkeSa(context, {
    role: 'initiator', connection, initiatorSpi: freshSpi(context.random), responderSpi: zeroSpi,
    local: { address: context.config.address, port }, peer: { address: connection.remote as IkeSa['peer']['address'], port },
  });
  const attempt = new InitAttempt(sa, authenticate);
  context.sas.add(sa);
  const { me, other } = sa.names;
  context.event({ kind: 'ike-sa', state: 'connecting', ...sa.name, peer: sa.peer, story: `${me} wants an IKE SA with ${other} at ${describeEndpoint(sa.peer)}.` });
  attempt.ask();
  return sa;
}

/** What an initiator does until its IKE_SA_INIT request is answered in earnest. */
export class InitAttempt {
  readonly #sa: IkeSa;
  readonly #authenticate: (sa: IkeSa) => void;
  readonly #offered: readonly DhGroup[];
  readonly #tried = new Set<number>();
  #group: DhGroup;
  #cookie: Uint8Array | undefined;
  #cookies = 0;

  constructor(sa: IkeSa, authenticate: (sa: IkeSa) => void) {
    this.#sa = sa;
    this.#authenticate = authenticate;
    this.#offered = sa.connection.proposals.flatMap(({ groups }) => groups.map(dhGroup));
    this.#group = this.#offered[0]!;
    sa.handshake = { ...freshHandshake, nonceI: freshNonce(sa.context.random), attempt: this };
  }

  ask(): void {
    this.#useGroup(this.#group);
    this.#sa.window.ask({ exchange: 'IKE_SA_INIT', payloads: () => this.#payloads(), answered: () => this.#authenticate(this.#sa) });
  }

  /** Why the answer is not taken; undefined when it is. Nothing of it is authenticated: what refuses is noted, and the waiting goes on (RFC 7296 §2.21.1). */
  answered(message: IkeMessage, bytes: Uint8Array, path: Path): string | undefined {
    const sa = this.#sa;
    const { header, payloads } = message;
    const cookie = notifyOf(payloads, notifyTypes.COOKIE);
    if (cookie !== undefined) return this.#takeCookie(cookie.data) ?? this.#askAgain(message, path);
    const invalidGroup = notifyOf(payloads, notifyTypes.INVALID_KE_PAYLOAD);
    if (invalidGroup !== undefined) return this.#takeGroup(wantedGroup(invalidGroup)) ?? this.#askAgain(message, path);
    const error = errorOf(payloads);
    if (error !== undefined) return `${notifyName(error.notifyType)}, which anybody could have written: the request goes on`;
    const [proposals, ke, nonceR] = [only(payloads, 'SA')?.proposals, only(payloads, 'KE'), nonceOf(payloads)];
    if (proposals === undefined || ke === undefined || nonceR === undefined) return 'SA, KE or nonce is missing or wrong';
    if (header.responderSpi.every((octet) => octet === 0)) return 'the responder has no SPI';
    const chosen = acceptedIke(proposals, ikeProposals(sa.connection.proposals));
    if (chosen === undefined) return 'the responder chose what was not offered';
    if (chosen.algorithms.group.id !== ke.group || ke.group !== this.#group.id) return 'the KE payload is not of the group that was chosen and asked for';
    const sharedSecret = sa.handshake?.keyPair?.agree(ke.data);
    if (sharedSecret === undefined) return 'the Diffie-Hellman value is not one of the group';
    sa.responderSpi = header.responderSpi.slice();
    sa.handshake = { ...sa.handshake!, nonceR, answer: bytes, attempt: undefined };
    sa.received(payloads, aboutAnswer, path);
    sa.fragmentation = fragmentationAgreed(sa.connection, payloads);
    makeKeys(sa, chosen, sharedSecret);
    concludeNatDetection(sa, payloads, { initiatorSpi: sa.initiatorSpi, responderSpi: sa.responderSpi }, path);
    if (natFound(sa.nat)) floatPorts(sa, 'IKE_AUTH');
    sa.window.takeAnswer(payloads);
    return undefined;
  }

  #askAgain({ payloads }: IkeMessage, path: Path): string | undefined {
    this.#sa.received(payloads, aboutAnswer, path);
    this.#sa.window.askAgain();
    return undefined;
  }

  #payloads(): readonly Payload[] {
    const { context, handshake, connection, initiatorSpi, local, peer } = this.#sa;
    return [
      ...(this.#cookie === undefined ? [] : [notify(notifyTypes.COOKIE, this.#cookie)]),
      { type: 'SA', proposals: ikeProposals(connection.proposals) },
      { type: 'KE', group: this.#group.id, data: handshake!.keyPair!.publicValue },
      { type: 'Nonce', data: handshake!.nonceI },
      ...(connection.natTraversal ? natDetectionNotifies({ initiatorSpi, responderSpi: zeroSpi }, claimedSources(context.config, connection, local), peer) : []),
      ...signatureHashesNotify(connection),
      ...fragmentationNotify(connection),
    ];
  }

  #useGroup(group: DhGroup): void {
    this.#group = group;
    this.#tried.add(group.id);
    this.#sa.handshake!.keyPair = group.generate(this.#sa.context.random);
  }

  #takeCookie(cookie: Uint8Array): string | undefined {
    if (cookie.length < 1 || cookie.length > 64) return 'a COOKIE has 1 to 64 octets';
    if (++this.#cookies > cookieLimit) return 'COOKIE again and again';
    this.#cookie = cookie.slice();
    return undefined;
  }

  /**
   * The same proposals as before go with another group: one that was offered from the start and not refused yet, so that nobody on the way can
   * talk us down to what we would not have taken anyhow (RFC 7296 §1.2, §2.7).
   */
  #takeGroup(id: number | undefined): string | undefined {
    const group = this.#offered.find((offered) => offered.id === id);
    if (group === undefined) return `INVALID_KE_PAYLOAD asks for group ${id ?? 'unknown'}, which was not offered`;
    if (this.#tried.has(group.id)) return `INVALID_KE_PAYLOAD asks for group ${group.id}, which was tried`;
    this.#useGroup(group);
    return undefined;
  }
}

/** The answer to our IKE_SA_INIT request, unauthenticated as it is. */
export function receiveInitAnswer(sa: IkeSa, message: IkeMessage, bytes: Uint8Array, path: Path): void {
  const { context } = sa;
  const attempt = sa.handshake?.attempt;
  if (attempt === undefined || !sa.window.awaits('IKE_SA_INIT', message.header.messageId)) {
    context.drop('ike-unexpected-response', 'an answer to IKE_SA_INIT that nobody waits for', bytes, path.peer);
    return;
  }
  const refusal = attempt.answered(message, bytes, path);
  if (refusal !== undefined) context.drop('ike-syntax', `IKE_SA_INIT answer: ${refusal}`, bytes, path.peer);
}

const aboutAnswer = { exchange: 'IKE_SA_INIT', response: true, messageId: 0, retransmission: 0 } as const;

// ---- the responder

/** A request of IKE_SA_INIT: nothing is kept before it is worth it (RFC 7296 §2.6). */
export function answerInit(context: V2Context, message: IkeMessage, bytes: Uint8Array, path: Path, candidates: readonly ConnectionConfig[]): void {
  const { header, payloads } = message;
  const { initiatorSpi } = header;
  const refuse = (...answer: Payload[]): void => answerStateless(context, message, answer, path);
  const [proposals, ke, nonceI] = [only(payloads, 'SA')?.proposals, only(payloads, 'KE'), nonceOf(payloads)];
  if (proposals === undefined || ke === undefined || nonceI === undefined) {
    context.drop('ike-syntax', 'IKE_SA_INIT without SA, KE or nonce', bytes, path.peer);
    return;
  }
  // RFC 7296 §2.1: a request that came before is known by its SPI, its nonce and where it came from
  const firstMessage = `${toHex(initiatorSpi)} ${toHex(nonceI)} ${describeEndpoint(path.peer)}`;
  const known = context.sas.byFirstMessage(firstMessage);
  if (known !== undefined) {
    if (known.window.judge(header.messageId, bytes) === 'same') known.window.answerAgain(path);
    else context.drop('ike-message-id', 'an IKE_SA_INIT request that was answered long ago', bytes, path.peer);
    return;
  }
  if (candidates.length === 0) {
    context.drop('ike-no-connection', `no connection with ${path.peer.address}`, bytes, path.peer);
    refuse(notify(notifyTypes.NO_PROPOSAL_CHOSEN));
    return;
  }
  if (context.sas.halfOpen >= context.config.halfOpenLimit) {
    context.drop('ike-half-open-limit', `${context.sas.halfOpen} IKE SAs are half-open`, bytes, path.peer);
    return;
  }
  if (context.sas.halfOpen >= context.config.cookieThreshold) {
    const given = notifyOf(payloads, notifyTypes.COOKIE);
    if (given === undefined || !context.cookies.knows(context.now, given.data, nonceI, path.peer.address, initiatorSpi)) {
      context.drop('ike-cookie', given === undefined ? 'no COOKIE under load' : 'not a COOKIE of ours', bytes, path.peer);
      refuse(notify(notifyTypes.COOKIE, context.cookies.make(context.now, nonceI, path.peer.address, initiatorSpi)));
      return;
    }
  }
  const [match] = candidates.flatMap((connection) => {
    const chosen = chooseIke(proposals, connection.proposals, ke.group);
    return chosen === undefined ? [] : [{ connection, chosen }];
  });
  if (match === undefined) {
    context.drop('ike-no-connection', 'no proposal that we have too', bytes, path.peer);
    refuse(notify(notifyTypes.NO_PROPOSAL_CHOSEN));
    return;
  }
  const { connection, chosen } = match;
  const { group } = chosen.algorithms;
  if (group.id !== ke.group) {
    refuse(invalidKe(group.id));
    return;
  }
  const keyPair = group.generate(context.random);
  const sharedSecret = keyPair.agree(ke.data);
  if (sharedSecret === undefined) {
    context.drop('ike-syntax', `the Diffie-Hellman value is not one of group ${group.id}`, bytes, path.peer);
    return;
  }
  const sa = new IkeSa(context, { role: 'responder', connection, initiatorSpi: initiatorSpi.slice(), responderSpi: freshSpi(context.random), ...path });
  const nonceR = freshNonce(context.random);
  sa.handshake = { ...freshHandshake, request: bytes, nonceI, nonceR, proposal: chosen.proposal };
  context.sas.addHalfOpen(sa, firstMessage);
  const { me, other } = sa.names;
  context.event({ kind: 'ike-sa', state: 'connecting', ...sa.name, peer: sa.peer, story: `Somebody at ${describeEndpoint(sa.peer)} wants an IKE SA with ${me}; who it is will be seen.` });
  sa.received(payloads, { exchange: 'IKE_SA_INIT', response: false, messageId: 0, retransmission: 0 }, path);
  sa.fragmentation = fragmentationAgreed(connection, payloads);
  makeKeys(sa, chosen, sharedSecret);
  if (connection.natTraversal) concludeNatDetection(sa, payloads, { initiatorSpi, responderSpi: zeroSpi }, path);
  sa.window.accept('IKE_SA_INIT', bytes, path);
  sa.window.answer([
    { type: 'SA', proposals: [chosen.proposal] },
    { type: 'KE', group: group.id, data: keyPair.publicValue },
    { type: 'Nonce', data: nonceR },
    ...(sa.nat.supported ? natDetectionNotifies(sa, claimedSources(context.config, connection, path.local), path.peer) : []),
    ...certificateRequest(connection),
    ...(notifyOf(payloads, notifyTypes.SIGNATURE_HASH_ALGORITHMS) ? signatureHashesNotify(connection) : []),
    ...(sa.fragmentation ? fragmentationNotify(connection) : []),
  ]);
  expireHalfOpen(sa, other);
}

/** Each sign of life of the initiator gives it more time. */
export function expireHalfOpen(sa: IkeSa, other: string = sa.names.other): void {
  sa.alarm('half-open lifetime', after(sa.context.now, halfOpenLifetime), () => {
    sa.close('failed', `${other} has begun an IKE SA and not gone on: it is forgotten.`);
  });
}

/** An answer for which nothing is remembered: no responder SPI (RFC 7296 §2.6). */
function answerStateless(context: V2Context, { header }: IkeMessage, payloads: readonly Payload[], { local, peer }: Path): void {
  const { initiatorSpi, messageId } = header;
  const answer = { initiatorSpi, responderSpi: zeroSpi, version: ikeVersion2, exchange: exchangeTypes.IKE_SA_INIT, flags: { initiator: false, higherVersion: false, response: true }, messageId };
  context.transmit(local, peer, encodeMessage({ header: answer, payloads }));
  context.event({
    kind: 'ike-message', direction: 'sent', local, peer, ...aboutAnswer,
    initiatorSpi: toHex(initiatorSpi), responderSpi: toHex(zeroSpi), notation: notation(answer, payloads),
    story: messageStory({ me: local.address, other: peer.address }, 'sent', payloads, aboutAnswer),
  });
}

// ---- both

const freshHandshake: Handshake = { request: noOctets, answer: noOctets, nonceI: noOctets, nonceR: noOctets, keyPair: undefined, proposal: undefined, attempt: undefined };

function makeKeys(sa: IkeSa, { algorithms }: Chosen<IkeAlgorithms>, sharedSecret: Uint8Array): void {
  const { nonceI, nonceR } = sa.handshake!;
  const { prf, suite } = algorithms;
  sa.useKeys(algorithms, ikeKeys({ prf, suite, sharedSecret, nonceI, nonceR, spiI: sa.initiatorSpi, spiR: sa.responderSpi }));
  sa.handshake!.keyPair = undefined;
  wipe(sharedSecret);
}

function concludeNatDetection(sa: IkeSa, payloads: readonly Payload[], spis: { initiatorSpi: Uint8Array; responderSpi: Uint8Array }, { local, peer }: Path): void {
  if (!sa.connection.natTraversal) return;
  sa.nat = forced(sa.connection, natVerdict(payloads, spis, local, peer));
  const { me, other } = sa.names;
  sa.context.event({ kind: 'nat-detection', ...sa.name, ...sa.nat, story: natDetectionStory(sa.connection, sa.nat, me, other, local, peer) });
}
