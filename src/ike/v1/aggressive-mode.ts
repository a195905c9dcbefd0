/**
 * Aggressive mode (RFC 2409 §5.1, §5.4; NAT-T by RFC 3947 §3.2, §4): three messages, and identities in the clear:
 * ```
 *   1  HDR, SA, KE, Ni, IDii, VID                              -->
 *   2           <--  HDR, SA, KE, Nr, IDir, HASH_R, VID, NAT-D, NAT-D
 *   3  HDR*, HASH_I, NAT-D, NAT-D                              -->      from port 4500, if there is a NAT
 * ```
 * The responder sees who calls before it needs the key: it can have one for each.
 */
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import { encodeBody } from '../../wire/ike/v1/codec.ts';
import { wrongIdentity } from '../address-identity.ts';
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { describeIdentity } from '../identity.ts';
import { natFound } from '../nat-detection.ts';
import { floatPorts } from '../port-float.ts';
import { certificateRequests, claimOf, identify, identityPayload, proof } from './authentication.ts';
import type { Exchange, Received, Verdict } from './exchange.ts';
import { initialContact } from './initial-contact.ts';
import { keyExchangePayloads, readKeyExchange } from './key-exchange.ts';
import { concludeNatDetection, natDetectionPayloads, natVerdict } from './nat-detection.ts';
import { bestNattVersion } from './natt-versions.ts';
import { only } from './payloads.ts';
import { answeredVendorIds, concludePhaseOne, hearVendorIds, makeKeys, matchOffer, newInitiator, newResponder, offeredVendorIds, phaseOneSecrets, saPayload, type FirstMessage } from './phase-one.ts';
import { acceptedPhaseOne, groupOf, phaseOneOffer } from './phase1-proposals.ts';
import type { IsakmpSa, Negotiation, V1Context } from './sa.ts';

// ---- the initiator

export function initiateAggressiveMode(context: V1Context, connection: ConnectionConfig, path: Path, predecessor: IsakmpSa | undefined): void {
  const sa = newInitiator(context, connection, path, predecessor);
  const offer = saPayload([phaseOneOffer(connection)]);
  const keyPair = groupOf(connection).generate(context.random);
  sa.handshake = { ...sa.handshake!, saI: encodeBody(offer), keyPair, publicI: keyPair.publicValue };
  const { publicI, nonceI } = sa.handshake;
  const exchange = sa.beginPhaseOne('aggressive');
  exchange.send([offer, ...keyExchangePayloads(publicI, nonceI), identityPayload(sa), ...certificateRequests(connection), ...offeredVendorIds(sa)], (received) => takeAnswer(sa, exchange, received));
}

/** Message 2. What it would make of the ISAKMP SA is computed beside it, until the responder's proof is believed. */
function takeAnswer(sa: IsakmpSa, exchange: Exchange, received: Received): Verdict {
  const { payloads, header } = received;
  const [first] = payloads;
  if (header.responderCookie.every((octet) => octet === 0)) return refused('isakmp-unknown-cookies', 'the responder has no cookie');
  if (first?.type !== 'SA' || only(received, 'SA') === undefined) return refused('isakmp-payloads', 'message 2 of aggressive mode begins with the SA payload, and has one');
  const choice = acceptedPhaseOne(first.proposals, sa.connection);
  if (choice === undefined) return refused('isakmp-proposal', 'the responder chose what was not offered');
  const read = readKeyExchange(received, choice.algorithms.group, sa.handshake!.keyPair!);
  if (!read.ok) return read;
  const claim = claimOf(received);
  if (!claim.ok) return claim;
  const { publicValue, nonce, sharedSecret } = read.value;
  const { context, role, connection, initiatorSpi, settings } = sa;
  const natt = connection.natTraversal ? bestNattVersion(payloads, settings.natt.accepts) : undefined;
  const handshake = { ...sa.handshake!, publicR: publicValue, nonceR: nonce };
  const without: Negotiation = { context, role, connection, initiatorSpi, responderSpi: header.responderCookie.slice(), algorithms: choice.algorithms, natt, handshake, keys: undefined };
  const nat = natVerdict(without, received, received.path);
  if (!nat.ok) return nat;
  const peer = identify({ ...without, keys: phaseOneSecrets(without, sharedSecret) }, claim.value, received, [connection]);
  if (!peer.ok) return peer;
  sa.responderSpi = without.responderSpi;
  return decoded(() => {
    sa.algorithms = choice.algorithms;
    sa.lifetime = choice.lifetime;
    sa.handshake = handshake;
    hearVendorIds(sa, payloads);
    concludeNatDetection(sa, nat.value, received.path);
    makeKeys(sa, sharedSecret);
    sa.encryptPhaseOne();
    if (natFound(sa.nat) && sa.natt?.moves === true) floatPorts(sa, 'aggressive mode message 3');
    exchange.send([...proof(sa, identityPayload(sa)), ...natDetectionPayloads(sa), ...initialContact(sa)]);
    concludePhaseOne(sa, peer.value, received);
  });
}

// ---- the responder

/** Message 1, from somebody who may come by one of the `candidates`, if it is who it says. Refuses a message that cannot be gone on with. */
export function answerAggressiveMode(context: V1Context, first: FirstMessage, candidates: readonly ConnectionConfig[]): Decoded<() => void> {
  const { message, path } = first;
  const [offer] = message.payloads;
  const claim = claimOf(message);
  if (!claim.ok) return claim;
  const { identity } = claim.value;
  const wanted = candidates.filter((candidate) => wrongIdentity(candidate, identity, path.peer.address) === undefined);
  if (wanted.length === 0) return refused('isakmp-identity', `${describeIdentity(identity)} at ${path.peer.address}: no connection is for it`);
  const match = offer?.type === 'SA' ? matchOffer(wanted, offer.proposals) : undefined;
  if (match === undefined) return refused('isakmp-proposal', 'no proposal that we have too');
  const { group } = match.choice.algorithms;
  const keyPair = group.generate(context.random);
  const read = readKeyExchange(message, group, keyPair);
  if (!read.ok) return read;
  const { publicValue, nonce, sharedSecret } = read.value;
  return decoded(() => {
    const kept = { identity: { idType: identity.idType, data: identity.data.slice() }, body: claim.value.body.slice() };
    const { sa, exchange } = newResponder(context, 'aggressive', first, match, { candidates: wanted, claim: kept, publicI: publicValue, publicR: keyPair.publicValue, nonceI: nonce });
    const { publicR, nonceR } = sa.handshake!;
    makeKeys(sa, sharedSecret);
    const own = identityPayload(sa);
    const answer = [saPayload([match.choice.proposal]), ...keyExchangePayloads(publicR, nonceR), own, ...proof(sa, own), ...certificateRequests(sa.connection), ...answeredVendorIds(sa), ...natDetectionPayloads(sa)];
    exchange.send(answer, (received) => takeProof(sa, exchange, received));
    sa.encryptPhaseOne();
  });
}

/** Message 3, which may be in the clear (RFC 2409 §5.4): its HASH speaks for it. */
function takeProof(sa: IsakmpSa, exchange: Exchange, received: Received): Verdict {
  const nat = natVerdict(sa, received, received.path);
  if (!nat.ok) return nat;
  const peer = identify(sa, sa.handshake!.claim!, received, sa.handshake!.candidates);
  if (!peer.ok) return peer;
  return decoded(() => {
    exchange.end();
    if ('connection' in peer.value) sa.context.sas.useConnection(sa, peer.value.connection);
    concludeNatDetection(sa, nat.value, received.path);
    concludePhaseOne(sa, peer.value, received);
  });
}
