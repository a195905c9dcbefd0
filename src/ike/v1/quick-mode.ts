/**
 * Quick mode (RFC 2409 §5.5): one child SA for one pair of blocks.
 * ```
 *   1  HDR*, HASH(1), SA, Ni [, KE], IDci, IDcr    -->
 *   2               <--  HDR*, HASH(2), SA, Nr [, KE], IDci, IDcr
 *   3  HDR*, HASH(3)                               -->
 *   4               <--  HDR*, HASH(4), N(CONNECTED)      with the commit bit only (RFC 2408 §3.1)
 * ```
 * The initiator can send and receive from message 3 on, the responder when that has come.
 */
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import { after, seconds, type Instant } from '../../core/time.ts';
import { dhGroup } from '../../crypto/diffie-hellman.ts';
import { hash2, hash3 } from '../../crypto/ike-v1-authentication.ts';
import { quickModeKeys } from '../../crypto/ike-v1-keys.ts';
import { sameSecret } from '../../crypto/secret.ts';
import type { DhKeyPair } from '../../crypto/types.ts';
import { notifyTypes, type ClearMessage, type EncryptedMessage, type Payload, type Proposal } from '../../wire/ike/v1/message.ts';
import type { Path, Role } from '../any-ike-sa.ts';
import { installChild, releaseSpi, reserveSpi, tellChildFailed, wantedProtocol, wayOfPackets, type OriginalAddresses } from '../child.ts';
import { wantedSelectors } from '../wanted-traffic.ts';
import { sameIdentities, type TrafficPair } from './client-identities.ts';
import { missConnected, sayConnected, takeConnected } from './commit-bit.ts';
import type { Exchange, Received, Verdict } from './exchange.ts';
import { deleteChild, refuseChild } from './notices.ts';
import { originalAddresses, originalAddressPayloads } from './original-addresses.ts';
import { all, only, spiOctets } from './payloads.ts';
import { freshNonce, saPayload } from './phase-one.ts';
import { acceptedPhaseTwo, choosePhaseTwo, phaseTwoOffer, type PhaseTwoChoice } from './phase2-proposals.ts';
import { behindHash, hashOne, openHashed, type HashOver } from './protected.ts';
import type { IsakmpSa, V1Child } from './sa.ts';
import { retire, sameTraffic, takeOver } from './successors.ts';
import { acceptedTraffic, missingPairs, quickModeIdentities } from './wanted-pairs.ts';

const noSpi = new Uint8Array(0);

// ---- what both sides share

/** What the two have agreed on when message 2 has gone. */
interface Agreement {
  readonly spiIn: number;
  /** When message 1 went or came. */
  readonly asked: Instant;
  readonly choice: PhaseTwoChoice;
  readonly pair: TrafficPair;
  readonly replaces: V1Child | undefined;
  readonly nonceI: Uint8Array;
  readonly nonceR: Uint8Array;
  readonly sharedSecret: Uint8Array | undefined;
  readonly originals: OriginalAddresses | undefined;
}

const hashTwo = ({ algorithms, keys }: IsakmpSa, messageId: number, nonceI: Uint8Array): HashOver => (rest) => hash2(algorithms!.hash.prf, keys!.skeyidA, messageId, nonceI, rest);
const hashThree = ({ algorithms, keys }: IsakmpSa, messageId: number, { nonceI, nonceR }: Agreement): Uint8Array => hash3(algorithms!.hash.prf, keys!.skeyidA, messageId, nonceI, nonceR);

/** What comes of a child SA that the stack refuses, of one that was replaced a while ago, and of one whose fresh keys have failed. */
const consequences = {
  refused: (child: V1Child): void => deleteChild(child, 'The IPsec stack would not take the child SA.'),
  retry: (child: V1Child): void => (child.state === 'rekeyed' ? retire(child) : rekeyChild(child)),
};

/** In the stack. Where it `holdsBack` nothing goes out by it yet, and it takes nobody's place. */
function install(sa: IsakmpSa, role: Role, { spiIn, asked, choice, pair, replaces, nonceI, nonceR, sharedSecret, originals }: Agreement, holdsBack: boolean): V1Child {
  const { me, other } = sa.names;
  const { keyLengths } = choice.algorithms;
  const keysOf = (spi: number): ReturnType<typeof quickModeKeys> =>
    quickModeKeys({ prf: sa.algorithms!.hash.prf, keyLengths, skeyidD: sa.keys!.skeyidD, sharedSecret, protocol: choice.proposal.protocol, spi: spiOctets(spi), nonceI, nonceR });
  const [outbound, inbound] = [keysOf(choice.spi), keysOf(spiIn)];
  const selectors = { local: [pair.local], remote: [pair.remote] };
  const old = replaces?.state === 'installed' ? replaces : sameTraffic(sa, selectors)[0];
  const child = installChild(sa, {
    spiIn, spiOut: choice.spi, algorithms: choice.algorithms, role, asked, selectors, holdsBack, originals,
    mode: sa.connection.child.mode ?? 'tunnel',
    keys: role === 'initiator' ? { initiator: outbound, responder: inbound } : { initiator: inbound, responder: outbound },
    replaces: old,
    ...(choice.lifetime === undefined ? {} : { hardTime: choice.lifetime }),
    story: old === undefined ? `A child SA is there: ${me} and ${other} can send ${wantedProtocol(sa).toUpperCase()}, ${wayOfPackets(sa)}.` : 'Fresh keys: this child SA takes the place of the one before.',
    ...consequences,
  });
  if (!holdsBack) takeOver(child);
  return child;
}

// ---- the initiator

/** A child SA for each pair of blocks that the configuration wants, and that has none. */
export function createChildren(sa: IsakmpSa): void {
  for (const pair of missingPairs(sa)) beginQuickMode(sa, pair, undefined);
}

/** Fresh keys for a child SA: another takes its place. Once: while that is under way nothing happens. */
export function rekeyChild(child: V1Child): void {
  const [local, remote] = [child.selectors.local[0], child.selectors.remote[0]];
  if (child.state !== 'installed' || child.rekeying || child.ike.state !== 'established' || local === undefined || remote === undefined) return;
  child.rekeying = true;
  beginQuickMode(child.ike, { local, remote }, child);
}

/** What is asked for, and with what. */
interface Wish {
  readonly exchange: Exchange;
  readonly spiIn: number;
  readonly asked: Instant;
  readonly pair: TrafficPair;
  readonly identities: readonly Extract<Payload, { type: 'ID' }>[];
  readonly replaces: V1Child | undefined;
  readonly nonceI: Uint8Array;
  /** Perfect forward secrecy: a Diffie-Hellman of its own. */
  readonly keyPair: DhKeyPair | undefined;
  /** The child SA, when it waits for CONNECTED. */
  waiting?: V1Child;
}

/** Who has not answered is asked again while the old child SA lives. */
const rekeyAgainAfter = seconds(60);

function beginQuickMode(sa: IsakmpSa, pair: TrafficPair, replaces: V1Child | undefined): void {
  const { connection, context } = sa;
  const notAfterAll = (): void => {
    if (replaces !== undefined) replaces.rekeying = false;
  };
  reserveSpi(sa, (spiIn) => {
    const { me, other } = sa.names;
    const fail = (why: string): void => {
      notAfterAll();
      sa.wishes.delete(spiIn);
      exchange.end();
      releaseSpi(sa, spiIn);
      tellChildFailed(sa, { local: [pair.local], remote: [pair.remote] }, why);
    };
    const abandon = (why: string): void => {
      fail(why);
      if (replaces?.state === 'installed') context.alarms.set(replaces.retry, after(context.now, rekeyAgainAfter));
    };
    const exchange = sa.beginExchange('quick', (transmissions) => {
      if (wish.waiting !== undefined) {
        missConnected(wish.waiting, transmissions);
        return;
      }
      abandon(`${other} has not answered ${me}'s quick mode message in ${transmissions} transmissions.`);
      if (sa.children.size === 0 && sa.wishes.size === 0) sa.unanswered('quick mode', transmissions);
    });
    const [pfs] = connection.child.proposals.flatMap(({ groups }) => groups);
    const keyPair = pfs === undefined ? undefined : dhGroup(pfs).generate(context.random);
    const wish: Wish = { exchange, spiIn, asked: context.now, pair, identities: quickModeIdentities(sa, pair), replaces, nonceI: freshNonce(context.random), keyPair };
    const request = [saPayload([phaseTwoOffer(sa, spiIn)]), ...nonceAndKey(wish.nonceI, keyPair), ...wish.identities, ...originalAddressPayloads(sa, 'initiator')];
    sa.wishes.set(spiIn, { pair, fail, abandon });
    exchange.send(behindHash(hashOne(sa, exchange.messageId), request), (received) => takeAnswer(sa, wish, received));
  }, notAfterAll);
}

/** Message 2. */
function takeAnswer(sa: IsakmpSa, wish: Wish, received: Received): Verdict {
  const { exchange, spiIn, asked, pair, identities, replaces, nonceI, keyPair } = wish;
  const opened = openHashed(received, hashTwo(sa, exchange.messageId, nonceI));
  if (!opened.ok) return opened;
  const read = readQuickMode(opened.value, keyPair);
  if (!read.ok) return read;
  const choice = acceptedPhaseTwo(sa, read.value.proposals);
  if (choice === undefined) return refused('isakmp-proposal', 'the responder chose what was not offered');
  const answered = all(opened.value, 'ID');
  // In transport mode some responders, strongSwan among them, name the addresses that they see in front of the NAT.
  const addresses = sa.connection.child.mode === 'transport' && sa.encapsulation !== 'none' ? 'translated' : 'same';
  if (answered.length > 0 && !sameIdentities(answered, identities, addresses)) return refused('isakmp-identity', 'the responder answers for other traffic than was asked for');
  return decoded(() => {
    const agreement = { spiIn, asked, choice, pair, replaces, nonceI, nonceR: read.value.nonce, sharedSecret: read.value.sharedSecret, originals: originalAddresses(sa, opened.value, 'initiator') };
    sa.wishes.delete(spiIn);
    const waits = received.header.flags.commit;
    const child = install(sa, 'initiator', agreement, waits);
    const last: Payload[] = [{ type: 'HASH', data: hashThree(sa, exchange.messageId, agreement) }];
    if (waits) {
      wish.waiting = child;
      exchange.send(last, (connected) => takeConnected(sa, exchange, child, connected));
    } else {
      exchange.send(last);
    }
  });
}

// ---- the responder

/** Message 1, whose message ID was never seen. */
export function answerQuickMode(sa: IsakmpSa, message: ClearMessage | EncryptedMessage, bytes: Uint8Array, path: Path): void {
  const { other } = sa.names;
  const pending: { spiIn?: number } = {};
  const exchange = sa.peersExchange('quick', message.header.messageId, (transmissions) => {
    if (pending.spiIn !== undefined) releaseSpi(sa, pending.spiIn);
    tellChildFailed(sa, wantedSelectors(sa), `${other} has not confirmed its child SA in ${transmissions} transmissions.`);
  });
  exchange.listen((received) => judge(sa, exchange, received, pending));
  exchange.receive(message, bytes, path);
}

function judge(sa: IsakmpSa, exchange: Exchange, received: Received, pending: { spiIn?: number }): Verdict {
  const opened = openHashed(received, hashOne(sa, exchange.messageId));
  if (!opened.ok) return opened;
  const [first] = opened.value.payloads;
  if (first?.type !== 'SA') return refused('isakmp-payloads', 'the SA payload must follow the HASH');
  const { me, other } = sa.names;
  const refuse = (notifyType: number, why: string): Verdict =>
    decoded(() => {
      sa.keep(exchange);
      const say = (): void => refuseChild(sa, notifyType, first.proposals[0]?.spi ?? noSpi);
      exchange.end(say);
      say();
      tellChildFailed(sa, wantedSelectors(sa), why);
    });
  const choice = choosePhaseTwo(sa, first.proposals, 'responder');
  if (choice === undefined) return refuse(notifyTypes.NO_PROPOSAL_CHOSEN, `${other} offers no child SA that ${me} would take: its algorithms, its group or its encapsulation are others.`);
  const keyPair = choice.algorithms.group?.generate(sa.context.random);
  const read = readQuickMode(opened.value, keyPair);
  if (!read.ok) return read;
  const pair = acceptedTraffic(sa, all(opened.value, 'ID'), received.path);
  if (!pair.ok) return refuse(notifyTypes.INVALID_ID_INFORMATION, `${me} does not make the child SA that ${other} wants: ${pair.detail}.`);
  return decoded(() => {
    sa.keep(exchange);
    const asked = sa.context.now;
    reserveSpi(sa, (spiIn) => {
      pending.spiIn = spiIn;
      const agreement = { spiIn, asked, choice, pair: pair.value, replaces: undefined, nonceI: read.value.nonce, nonceR: freshNonce(sa.context.random), sharedSecret: read.value.sharedSecret, originals: originalAddresses(sa, opened.value, 'responder') };
      const answer = [saPayload([{ ...choice.proposal, spi: spiOctets(spiIn) }]), ...nonceAndKey(agreement.nonceR, keyPair), ...all(opened.value, 'ID'), ...originalAddressPayloads(sa, 'responder')];
      if (sa.settings.commitBit) exchange.setCommit();
      exchange.send(behindHash(hashTwo(sa, exchange.messageId, agreement.nonceI), answer), (last) => takeConfirmation(sa, exchange, agreement, last));
    }, () => {
      const say = (): void => refuseChild(sa, notifyTypes.NO_PROPOSAL_CHOSEN, choice.proposal.spi);
      exchange.end(say);
      say();
    });
  });
}

/** Message 3: the initiator is there, and its message 1 was no old one. */
function takeConfirmation(sa: IsakmpSa, exchange: Exchange, agreement: Agreement, received: Received): Verdict {
  const [first] = received.payloads;
  if (!received.header.flags.encryption) return refused('isakmp-unprotected', 'in the clear, so not believed');
  if (first?.type !== 'HASH' || !sameSecret(first.data, hashThree(sa, exchange.messageId, agreement))) return refused('isakmp-authentication', 'HASH(3) is not what the initiator would have made of both nonces');
  return decoded(() => {
    exchange.end();
    install(sa, 'responder', agreement, false);
    if (sa.settings.commitBit) sayConnected(sa, exchange, agreement.choice, agreement.spiIn);
  });
}

// ---- both

interface QuickModePayloads {
  readonly proposals: readonly Proposal[];
  readonly nonce: Uint8Array;
  readonly sharedSecret: Uint8Array | undefined;
}

const nonceAndKey = (nonce: Uint8Array, keyPair: DhKeyPair | undefined): Payload[] => [
  { type: 'Nonce', data: nonce }, ...(keyPair === undefined ? [] : [{ type: 'KE', data: keyPair.publicValue } as const]),
];

/** What messages 1 and 2 have in common. With a key pair a KE payload is wanted, without one there must be none. */
function readQuickMode(chain: Pick<Received, 'payloads'>, keyPair: DhKeyPair | undefined): Decoded<QuickModePayloads> {
  const [proposals, nonce, ke] = [only(chain, 'SA')?.proposals, only(chain, 'Nonce')?.data, only(chain, 'KE')?.data];
  if (proposals === undefined || nonce === undefined) return refused('isakmp-payloads', 'SA or nonce is missing, or there twice');
  if ((keyPair === undefined) !== (ke === undefined)) return refused('isakmp-payloads', `a KE payload ${ke === undefined ? 'is missing' : 'that the proposal does not speak of'}`);
  const sharedSecret = ke && keyPair?.agree(ke);
  if (ke !== undefined && sharedSecret === undefined) return refused('isakmp-payloads', 'the Diffie-Hellman value is not one of the group');
  return decoded({ proposals, nonce: nonce.slice(), sharedSecret });
}
