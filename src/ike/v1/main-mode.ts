/**
 * Main mode (RFC 2409 §5.1, §5.4; NAT-T by RFC 3947 §3, §4):
 * ```
 *   1  HDR, SA, VID                 -->
 *   2                  <--  HDR, SA, VID
 *   3  HDR, KE, Ni, NAT-D, NAT-D    -->
 *   4                  <--  HDR, KE, Nr, NAT-D, NAT-D
 *   5  HDR*, IDii, HASH_I           -->      from port 4500, if there is a NAT
 *   6                  <--  HDR*, IDir, HASH_R
 * ```
 */
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import { encodeBody } from '../../wire/ike/v1/codec.ts';
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { natFound } from '../nat-detection.ts';
import { floatPorts } from '../port-float.ts';
import { certificateRequests, claimOf, identify, identityPayload, proof, type Peer } from './authentication.ts';
import type { Exchange, Received, Verdict } from './exchange.ts';
import { initialContact } from './initial-contact.ts';
import { keyExchangePayloads, readKeyExchange } from './key-exchange.ts';
import { concludeNatDetection, natDetectionPayloads, natVerdict } from './nat-detection.ts';
import { only } from './payloads.ts';
import { answeredVendorIds, concludePhaseOne, hearVendorIds, makeKeys, matchOffer, newInitiator, newResponder, offeredVendorIds, saPayload, type FirstMessage } from './phase-one.ts';
import { acceptedPhaseOne, phaseOneOffer } from './phase1-proposals.ts';
import type { IsakmpSa, V1Context } from './sa.ts';

// ---- the initiator

export function initiateMainMode(context: V1Context, connection: ConnectionConfig, path: Path, predecessor: IsakmpSa | undefined): void {
  const sa = newInitiator(context, connection, path, predecessor);
  const offer = saPayload([phaseOneOffer(connection)]);
  sa.handshake!.saI = encodeBody(offer);
  const exchange = sa.beginPhaseOne('main');
  exchange.send([offer, ...offeredVendorIds(sa)], (received) => takeChoice(sa, exchange, received));
}

/** Message 2. */
function takeChoice(sa: IsakmpSa, exchange: Exchange, received: Received): Verdict {
  const { payloads, header } = received;
  const [first] = payloads;
  if (header.responderCookie.every((octet) => octet === 0)) return refused('isakmp-unknown-cookies', 'the responder has no cookie');
  if (first?.type !== 'SA' || only(received, 'SA') === undefined) return refused('isakmp-payloads', 'message 2 of main mode begins with the SA payload, and has one');
  const choice = acceptedPhaseOne(first.proposals, sa.connection);
  if (choice === undefined) return refused('isakmp-proposal', 'the responder chose what was not offered');
  sa.responderSpi = header.responderCookie.slice();
  return decoded(() => {
    const keyPair = choice.algorithms.group.generate(sa.context.random);
    sa.algorithms = choice.algorithms;
    sa.lifetime = choice.lifetime;
    hearVendorIds(sa, payloads);
    sa.handshake = { ...sa.handshake!, keyPair, publicI: keyPair.publicValue };
    const { publicI, nonceI } = sa.handshake;
    exchange.send([...keyExchangePayloads(publicI, nonceI), ...certificateRequests(sa.connection), ...natDetectionPayloads(sa)], (answer) => takeKeyExchange(sa, exchange, answer));
  });
}

/** Message 4. */
function takeKeyExchange(sa: IsakmpSa, exchange: Exchange, received: Received): Verdict {
  const read = readKeyExchange(received, sa.algorithms!.group, sa.handshake!.keyPair!);
  const nat = natVerdict(sa, received, received.path);
  if (!read.ok) return read;
  if (!nat.ok) return nat;
  return decoded(() => {
    const { publicValue, nonce, sharedSecret } = read.value;
    sa.handshake = { ...sa.handshake!, publicR: publicValue, nonceR: nonce };
    concludeNatDetection(sa, nat.value, received.path);
    makeKeys(sa, sharedSecret);
    sa.encryptPhaseOne();
    if (natFound(sa.nat) && sa.natt?.moves === true) floatPorts(sa, 'main mode message 5');
    const identity = identityPayload(sa);
    exchange.send([identity, ...proof(sa, identity), ...initialContact(sa)], (answer) => takeIdentity(sa, exchange, answer));
  });
}

/** Message 6. */
function takeIdentity(sa: IsakmpSa, exchange: Exchange, received: Received): Verdict {
  const peer = proved(sa, received, [sa.connection]);
  if (!peer.ok) return peer;
  return decoded(() => {
    exchange.end();
    concludePhaseOne(sa, peer.value, received);
  });
}

// ---- the responder

/** Message 1, from somebody who may come by one of the `candidates`. Refuses an offer that none of them allows. */
export function answerMainMode(context: V1Context, first: FirstMessage, candidates: readonly ConnectionConfig[]): Decoded<() => void> {
  const [offer] = first.message.payloads;
  const match = offer?.type === 'SA' ? matchOffer(candidates, offer.proposals) : undefined;
  if (match === undefined) return refused('isakmp-proposal', 'no proposal that we have too');
  return decoded(() => {
    const { sa, exchange } = newResponder(context, 'main', first, match, { candidates });
    exchange.send([saPayload([match.choice.proposal]), ...answeredVendorIds(sa)], (received) => answerKeyExchange(sa, exchange, received));
  });
}

/** Message 3. */
function answerKeyExchange(sa: IsakmpSa, exchange: Exchange, received: Received): Verdict {
  const { group } = sa.algorithms!;
  const keyPair = group.generate(sa.context.random);
  const read = readKeyExchange(received, group, keyPair);
  const nat = natVerdict(sa, received, received.path);
  if (!read.ok) return read;
  if (!nat.ok) return nat;
  return decoded(() => {
    const { publicValue, nonce, sharedSecret } = read.value;
    sa.handshake = { ...sa.handshake!, publicI: publicValue, publicR: keyPair.publicValue, nonceI: nonce };
    const { publicR, nonceR } = sa.handshake;
    concludeNatDetection(sa, nat.value, received.path);
    exchange.send([...keyExchangePayloads(publicR, nonceR), ...certificateRequests(sa.connection), ...natDetectionPayloads(sa)], (identity) => answerIdentity(sa, exchange, identity));
    makeKeys(sa, sharedSecret);
    sa.encryptPhaseOne();
  });
}

/** Message 5. */
function answerIdentity(sa: IsakmpSa, exchange: Exchange, received: Received): Verdict {
  const peer = proved(sa, received, sa.handshake!.candidates);
  if (!peer.ok) return peer;
  return decoded(() => {
    exchange.end();
    if ('connection' in peer.value) {
      sa.context.sas.useConnection(sa, peer.value.connection);
      const identity = identityPayload(sa);
      exchange.send([identity, ...proof(sa, identity)]);
    }
    concludePhaseOne(sa, peer.value, received);
  });
}

// ---- both

/** Messages 5 and 6 are alike: encrypted, an identity and its proof. */
function proved(sa: IsakmpSa, received: Received, candidates: readonly ConnectionConfig[]): Decoded<Peer> {
  if (!received.header.flags.encryption) return refused('isakmp-unprotected', 'an identity in the clear');
  const claim = claimOf(received);
  return claim.ok ? identify(sa, claim.value, received, candidates) : claim;
}
