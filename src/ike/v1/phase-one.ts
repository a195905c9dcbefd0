/** What main mode and aggressive mode have in common: how phase 1 begins, its keys, who is believed to be there, and how it ends (RFC 2409 §5). */
import { describeEndpoint } from '../../core/address.ts';
import { toHex, utf8 } from '../../core/bytes.ts';
import { decoded } from '../../core/decoded.ts';
import type { Random } from '../../core/random.ts';
import { phaseOneKeys, preSharedKeySkeyid, signatureSkeyid, type PhaseOneKeys } from '../../crypto/ike-v1-keys.ts';
import { wipe } from '../../crypto/secret.ts';
import { identityOnly, ipsecDoi, notifyTypes, type ClearMessage, type Payload, type Proposal } from '../../wire/ike/v1/message.ts';
import { vendorIdOf, vendorIds } from '../../wire/ike/v1/vendor-ids.ts';
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import { describeIdentity } from '../identity.ts';
import type { Peer } from './authentication.ts';
import type { Exchange, ExchangeName, Received } from './exchange.ts';
import { fragmentationAgreed, fragmentationVendorId } from './fragmentation.ts';
import { bestNattVersion, nattVendorId } from './natt-versions.ts';
import { forgetOthers } from './initial-contact.ts';
import { refusePeer } from './notices.ts';
import { all, notificationOf } from './payloads.ts';
import { choosePhaseOne, type PhaseOneChoice } from './phase1-proposals.ts';
import { freshHandshake, IsakmpSa, type Handshake, type Negotiation, type V1Context } from './sa.ts';

export const zeroCookie = new Uint8Array(8);
const nonceLength = 32;

export const freshNonce = (random: Random): Uint8Array => random.bytes(nonceLength);

/** A cookie is never zero (RFC 2408 §3.1). */
function freshCookie(random: Random): Uint8Array {
  const cookie = random.bytes(8);
  if (cookie.every((octet) => octet === 0)) cookie[7] = 1;
  return cookie;
}

// ---- beginning

/** An ISAKMP SA that this side wants, perhaps in place of another. */
export function newInitiator(context: V1Context, connection: ConnectionConfig, { local, peer }: Path, predecessor: IsakmpSa | undefined): IsakmpSa {
  const sa = new IsakmpSa(context, { role: 'initiator', connection, initiatorSpi: freshCookie(context.random), responderSpi: zeroCookie, local, peer });
  sa.handshake = { ...freshHandshake, nonceI: freshNonce(context.random), predecessor };
  context.sas.add(sa);
  const { me, other } = sa.names;
  context.event({ kind: 'ike-sa', state: 'connecting', ...sa.name, peer: sa.peer, story: `${me} wants an ISAKMP SA with ${other} at ${describeEndpoint(sa.peer)}.` });
  return sa;
}

export interface FirstMessage {
  readonly message: ClearMessage;
  readonly bytes: Uint8Array;
  readonly path: Path;
}

/** The connection that an initiator comes by, and what of its offer is taken. */
export interface Match {
  readonly connection: ConnectionConfig;
  readonly choice: PhaseOneChoice;
}

/** The first of the connections that allows something of what is offered. */
export const matchOffer = (candidates: readonly ConnectionConfig[], offered: readonly Proposal[]): Match | undefined =>
  candidates.flatMap((connection) => {
    const choice = choosePhaseOne(offered, connection, 'responder');
    return choice === undefined ? [] : [{ connection, choice }];
  })[0];

/** An ISAKMP SA that somebody else wants. */
export function newResponder(context: V1Context, name: ExchangeName, { message, bytes, path }: FirstMessage, { connection, choice }: Match, handshake: Partial<Handshake>): { readonly sa: IsakmpSa; readonly exchange: Exchange } {
  const { payloads, bodies } = message;
  const sa = new IsakmpSa(context, { role: 'responder', connection, initiatorSpi: message.header.initiatorCookie.slice(), responderSpi: freshCookie(context.random), ...path });
  sa.algorithms = choice.algorithms;
  sa.lifetime = choice.lifetime;
  sa.handshake = { ...freshHandshake, saI: bodies[0]!.slice(), nonceR: freshNonce(context.random), proposal: choice.proposal, ...handshake };
  context.sas.addHalfOpen(sa, toHex(sa.initiatorSpi));
  const { me } = sa.names;
  context.event({ kind: 'ike-sa', state: 'connecting', ...sa.name, peer: sa.peer, story: `Somebody at ${describeEndpoint(sa.peer)} wants an ISAKMP SA with ${me}; who it is will be seen.` });
  hearVendorIds(sa, payloads);
  const exchange = sa.beginPhaseOne(name);
  exchange.listen(() => decoded(() => undefined));
  exchange.receive(message, bytes, path);
  return { sa, exchange };
}

export const saPayload = (proposals: readonly Proposal[]): Payload => ({ type: 'SA', doi: ipsecDoi, situation: identityOnly, proposals });

// ---- vendor IDs

/** What the initiator can do besides, and what it wants to look like. */
export const offeredVendorIds = ({ connection, settings }: IsakmpSa): Payload[] => [
  ...(connection.natTraversal ? settings.natt.offers.map(nattVendorId) : []),
  ...commonVendorIds(settings),
  ...fragmentationVendorId(connection),
];

/** Of the versions of NAT-T the one that is used. */
export const answeredVendorIds = ({ connection, natt, settings }: IsakmpSa): Payload[] => [
  ...(natt === undefined ? [] : [nattVendorId(natt.version)]),
  ...commonVendorIds(settings),
  ...fragmentationVendorId(connection),
];

const commonVendorIds = ({ xauth, vendorIds: others }: IsakmpSa['settings']): Payload[] => [
  { type: 'VID', data: vendorIds.deadPeerDetection.id },
  ...(xauth === undefined || xauth === 'none' ? [] : [{ type: 'VID', data: vendorIds.xauth.id } as const]),
  ...(others ?? []).map((data) => ({ type: 'VID', data }) as const),
];

/** The best version of NAT-T that both know is the one from now on. */
export function hearVendorIds(sa: IsakmpSa, payloads: readonly Payload[]): void {
  if (sa.connection.natTraversal) sa.natt = bestNattVersion(payloads, sa.settings.natt.accepts);
  sa.answersProbes = all({ payloads }, 'VID').some(({ data }) => vendorIdOf(data) === 'deadPeerDetection');
  sa.fragmentation = fragmentationAgreed(sa.connection, payloads);
}

// ---- keys

/** SKEYID and what follows from it. */
export function phaseOneSecrets({ handshake, algorithms, connection: { authentication }, initiatorSpi, responderSpi }: Negotiation, sharedSecret: Uint8Array): PhaseOneKeys {
  const { nonceI, nonceR } = handshake!;
  const exchange = { prf: algorithms!.hash.prf, sharedSecret, nonceI, nonceR, cookieI: initiatorSpi, cookieR: responderSpi };
  const skeyid = authentication.method === 'pre-shared-key' ? preSharedKeySkeyid(exchange, utf8(authentication.key)) : signatureSkeyid(exchange);
  return phaseOneKeys(skeyid, exchange);
}

/** Both sides have what the keys are made of; the shared secret is wiped. */
export function makeKeys(sa: IsakmpSa, sharedSecret: Uint8Array): void {
  sa.useKeys(phaseOneSecrets(sa, sharedSecret));
  sa.handshake!.keyPair = undefined;
  wipe(sharedSecret);
}

// ---- the end

/** The other side has proved who it is: the ISAKMP SA is up, or whoever it is may not come in. */
export function concludePhaseOne(sa: IsakmpSa, peer: Peer, received: Received): void {
  sa.peerIdentity = describeIdentity(peer.identity);
  const { me, other } = sa.names;
  if ('wrong' in peer) {
    sa.context.drop('isakmp-identity', peer.wrong, undefined, received.path.peer);
    refusePeer(sa, notifyTypes.INVALID_ID_INFORMATION, `${me} does not accept ${other}: ${peer.wrong}.`);
    return;
  }
  sa.context.sas.authenticated(sa);
  sa.cancel('half-open lifetime');
  sa.state = 'established';
  sa.made = sa.context.now;
  if (notificationOf(received, notifyTypes.INITIAL_CONTACT)) forgetOthers(sa);
  sa.context.event({ kind: 'ike-sa', state: 'established', ...sa.name, peer: sa.peer, peerIdentity: sa.peerIdentity, story: `${me} and ${other} have shown each other who they are: the ISAKMP SA is up.` });
  sa.context.established(sa);
  sa.handshake = undefined;
}
