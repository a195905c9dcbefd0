/** IKE_AUTH: who is there, and the first child SA (RFC 7296 §1.2, §2.15, §2.16). */
import { notifyTypes, type Payload } from '../../wire/ike/message.ts';
import { notifyName } from '../../wire/ike/notation.ts';
import { childKeys } from '../../crypto/ike-keys.ts';
import { wrongIdentity } from '../address-identity.ts';
import { innerVersion } from '../address-pool.ts';
import { installChild, releaseSpi, reserveSpi, wantedProtocol, wayOfPackets, type ChildAlgorithms } from '../child.ts';
import type { ChildMode, ConnectionConfig } from '../config.ts';
import { describeIdentity, identityToWire, matchesIdentity, type WireIdentity } from '../identity.ts';
import { everything, selectorOfAddress, within } from '../traffic-selectors.ts';
import { addressReply, addressRequest, asksForAddress, givenAddress } from './configuration.ts';
import { consequences } from './create-child.ts';
import { deleteUnwanted, refusePeer } from './informational.ts';
import { childSpi, childSpiFrom, errorOf, notify, notifyOf, only } from './payloads.ts';
import { childFailed, narrowed, wantedSelectors } from '../wanted-traffic.ts';
import { certificate, certificateRequest, proof, unproved } from './proof.ts';
import { acceptedChild, chooseChild, chooseIke, childProposals } from './proposals.ts';
import type { IkeSa } from './sa.ts';
import { agreedMode, askedMode, modeNotify, substituted, wantedMode } from './transport-mode.ts';

const idPayload = (type: 'IDi' | 'IDr', { idType, data }: WireIdentity): Payload => ({ type, idType, data });

// ---- the initiator

/** `established` is called when both sides have shown who they are. */
export function authenticate(sa: IkeSa, established: (sa: IkeSa) => void): void {
  reserveSpi(sa, (spiIn) => {
    const offer = childProposals(sa.connection.child, childSpi(spiIn), 'without groups');
    sa.window.ask({
      exchange: 'IKE_AUTH',
      payloads: () => authRequest(sa, offer),
      answered: (payloads) => receiveAuthAnswer(sa, payloads, spiIn, offer, established),
    });
  });
}

function authRequest(sa: IkeSa, offer: ReturnType<typeof childProposals>): Payload[] {
  const { connection, context } = sa;
  const { localIdentity, remoteIdentity, virtualAddress } = connection;
  const identity = identityToWire(localIdentity);
  const { local, remote } = wantedSelectors(sa, virtualAddress === 'request' ? everything(innerVersion(connection)) : undefined);
  return [
    idPayload('IDi', identity),
    ...certificate(connection),
    ...certificateRequest(connection),
    ...(remoteIdentity === 'any' ? [] : [idPayload('IDr', identityToWire(remoteIdentity))]),
    proof(sa, connection),
    // RFC 7296 §2.4: "these are the only IKE SAs between us": whatever else the peer remembers of us, it may forget
    ...(context.sas.isFirstContact(sa) ? [notify(notifyTypes.INITIAL_CONTACT)] : []),
    ...(virtualAddress === 'request' ? [addressRequest(innerVersion(connection))] : []),
    ...modeNotify(wantedMode(sa)),
    { type: 'SA', proposals: offer },
    { type: 'TSi', selectors: local },
    { type: 'TSr', selectors: remote },
  ];
}

function receiveAuthAnswer(sa: IkeSa, payloads: readonly Payload[], spiIn: number, offer: ReturnType<typeof childProposals>, established: (sa: IkeSa) => void): void {
  const { connection } = sa;
  const { me, other } = sa.names;
  const [idr, auth] = [only(payloads, 'IDr'), only(payloads, 'AUTH')];
  if (idr === undefined || auth === undefined) {
    const error = errorOf(payloads);
    releaseSpi(sa, spiIn);
    if (error !== undefined) sa.close('failed', `${other} does not let ${me} in: ${notifyName(error.notifyType)}.`);
    else refusePeer(sa, `${other} has not said who it is: ${me} does not go on.`);
    return;
  }
  const wrong = wrongPeer(sa, connection, idr, payloads);
  if (wrong !== undefined) {
    releaseSpi(sa, spiIn);
    sa.context.drop('ike-authentication', `IKE_AUTH answer: ${wrong}`, undefined, sa.peer);
    refusePeer(sa, `${me} does not accept ${other}: ${wrong}.`);
    return;
  }
  sa.peerIdentity = describeIdentity(idr);
  sa.context.sas.authenticated(sa);
  sa.state = 'established';
  sa.context.event({ kind: 'ike-sa', state: 'established', ...sa.name, peer: sa.peer, peerIdentity: sa.peerIdentity, story: `${me} and ${other} have shown each other who they are: the IKE SA is up.` });
  takeFirstChild(sa, payloads, spiIn, offer);
  sa.handshake = undefined;
  established(sa);
}

/** The IKE SA stands, whatever becomes of the child SA (RFC 7296 §1.2). */
function takeFirstChild(sa: IkeSa, payloads: readonly Payload[], spiIn: number, offer: ReturnType<typeof childProposals>): void {
  const fail = (why: string): void => {
    releaseSpi(sa, spiIn);
    childFailed(sa, why);
  };
  const { me, other } = sa.names;
  const error = errorOf(payloads);
  if (error !== undefined && only(payloads, 'SA') === undefined) {
    fail(`${other} makes no child SA: ${notifyName(error.notifyType)}.`);
    return;
  }
  const address = sa.connection.virtualAddress === 'request' ? givenAddress(payloads, innerVersion(sa.connection)) : undefined;
  if (sa.connection.virtualAddress === 'request' && address === undefined) {
    fail(`${other} gives no inner address.`);
    return;
  }
  const wanted = wantedSelectors(sa, address && selectorOfAddress(address));
  const chosen = acceptedChild(only(payloads, 'SA')?.proposals ?? [], offer);
  const mode = askedMode(payloads);
  const { selectors, originals } = substituted(sa, mode, { local: only(payloads, 'TSi')?.selectors ?? [], remote: only(payloads, 'TSr')?.selectors ?? [] });
  const { local, remote } = selectors;
  const spiOut = chosen && childSpiFrom(chosen.proposal.spi);
  if (chosen === undefined || spiOut === undefined || spiOut === 0 || local.length === 0 || remote.length === 0 || !within(local, wanted.local) || !within(remote, wanted.remote)) {
    fail(`${other} answers with a child SA that ${me} has not asked for.`);
    return;
  }
  if (mode !== wantedMode(sa)) {
    fail(`${other} answers with a child SA in ${mode} mode, which ${me} does not want.`);
    deleteUnwanted(sa, spiIn);
    return;
  }
  if (address !== undefined) sa.useVirtualAddress(address, remote);
  installChild(sa, {
    spiIn, spiOut, algorithms: chosen.algorithms, role: 'initiator', keys: firstChildKeys(sa, chosen.algorithms), selectors, mode, originals,
    story: childStory(sa, mode), ...consequences,
  });
}

// ---- the responder

/** `established` is called when the initiator has shown who it is and the answer is on its way. */
export function answerAuth(sa: IkeSa, payloads: readonly Payload[], candidates: readonly ConnectionConfig[], established: (sa: IkeSa) => void): void {
  const [idi, auth] = [only(payloads, 'IDi'), only(payloads, 'AUTH')];
  const refuse = (why: string): void => {
    sa.context.drop('ike-authentication', `IKE_AUTH: ${why}`, undefined, sa.peer);
    sa.window.answer([notify(notifyTypes.AUTHENTICATION_FAILED)]);
    sa.close('failed', `${sa.names.me} does not let the one at ${sa.peer.address} in: ${why}.`);
  };
  if (idi === undefined || auth === undefined) {
    refuse('no identity, or no proof of it');
    return;
  }
  const connection = candidates.find((candidate) => fits(sa, candidate, idi, only(payloads, 'IDr')));
  if (connection === undefined) {
    const known = candidates.find(({ remoteIdentity }) => matchesIdentity(remoteIdentity, idi));
    refuse((known && wrongIdentity(known, idi, sa.peer.address)) ?? `no connection for the identity ${describeIdentity(idi)}`);
    return;
  }
  const wrong = wrongPeer(sa, connection, idi, payloads);
  if (wrong !== undefined) {
    refuse(wrong);
    return;
  }
  sa.context.sas.useConnection(sa, connection);
  sa.peerIdentity = describeIdentity(idi);
  const { me, other } = sa.names;
  const older = sa.context.sas.ofPeer(sa.peerIdentity);
  sa.context.sas.authenticated(sa);
  sa.cancel('half-open lifetime');
  sa.state = 'established';
  if (notifyOf(payloads, notifyTypes.INITIAL_CONTACT)) {
    for (const forgotten of older) forgotten.close('deleted', `${other} says that it knows of no other IKE SA with ${me}: it has started anew, and the old one is forgotten (INITIAL_CONTACT).`);
  }
  answerWithChild(sa, payloads, (child, done) => {
    const identity = identityToWire(connection.localIdentity);
    sa.window.answer([idPayload('IDr', identity), ...certificate(connection), proof(sa, connection), ...child]);
    sa.context.event({ kind: 'ike-sa', state: 'established', ...sa.name, peer: sa.peer, peerIdentity: sa.peerIdentity!, story: `${me} and ${other} have shown each other who they are: the IKE SA is up.` });
    done();
    sa.handshake = undefined;
    established(sa);
  });
}

/** The identity, and the one that the initiator wants to talk to if it says so (RFC 7296 §1.2), with algorithms that the connection allows. */
const fits = (sa: IkeSa, connection: ConnectionConfig, idi: WireIdentity, idr: WireIdentity | undefined): boolean =>
  wrongIdentity(connection, idi, sa.peer.address) === undefined &&
  (idr === undefined || matchesIdentity(connection.localIdentity, idr)) &&
  (sa.connection === connection || chooseIke([sa.handshake!.proposal!], connection.proposals) !== undefined);

function answerWithChild(sa: IkeSa, payloads: readonly Payload[], answer: (child: Payload[], done: () => void) => void): void {
  const { connection } = sa;
  const { me, other } = sa.names;
  const without = (error: number, why: string): void => answer([notify(error)], () => childFailed(sa, why));
  const [proposals, tsi, tsr] = [only(payloads, 'SA')?.proposals, only(payloads, 'TSi')?.selectors, only(payloads, 'TSr')?.selectors];
  if (proposals === undefined || tsi === undefined || tsr === undefined) {
    answer([], () => undefined); // RFC 6023: an IKE SA without a child
    return;
  }
  const pool = sa.context.poolOf(connection);
  if (pool !== undefined && !asksForAddress(payloads, innerVersion(connection))) {
    without(notifyTypes.FAILED_CP_REQUIRED, `${other} asks for no inner address, and ${me} lets nobody in without one.`);
    return;
  }
  const chosen = chooseChild(proposals, connection.child, 'without groups');
  const spiOut = chosen && childSpiFrom(chosen.proposal.spi);
  if (chosen === undefined || spiOut === undefined || spiOut === 0) {
    without(notifyTypes.NO_PROPOSAL_CHOSEN, `${other} offers no ${wantedProtocol(sa).toUpperCase()} algorithms that ${me} has.`);
    return;
  }
  const address = pool?.take();
  if (pool !== undefined && address === undefined) {
    without(notifyTypes.INTERNAL_ADDRESS_FAILURE, `${me} has no inner address left for ${other}.`);
    return;
  }
  sa.virtualAddress = address;
  const mode = agreedMode(sa, payloads);
  const asked = substituted(sa, mode, { local: tsr, remote: tsi });
  const selectors = narrowed(sa, asked.selectors);
  if (selectors === undefined) {
    sa.giveAddressBack();
    without(notifyTypes.TS_UNACCEPTABLE, `${me} and ${other} do not want the same traffic in the tunnel.`);
    return;
  }
  reserveSpi(sa, (spiIn) => {
    const keys = firstChildKeys(sa, chosen.algorithms);
    const child: Payload[] = [
      ...(address === undefined ? [] : [addressReply(address)]),
      ...modeNotify(mode),
      { type: 'SA', proposals: [{ ...chosen.proposal, spi: childSpi(spiIn) }] },
      { type: 'TSi', selectors: selectors.remote },
      { type: 'TSr', selectors: selectors.local },
    ];
    answer(child, () => {
      installChild(sa, {
        spiIn, spiOut, algorithms: chosen.algorithms, role: 'responder', keys, selectors, mode, originals: asked.originals,
        story: childStory(sa, mode), ...consequences,
      });
    });
  }, () => without(notifyTypes.NO_ADDITIONAL_SAS, `${me} has no SPI left for ${other}.`));
}

// ---- both

/** Why the other side is not who it should be; undefined when it is. */
function wrongPeer(sa: IkeSa, connection: ConnectionConfig, identity: WireIdentity, payloads: readonly Payload[]): string | undefined {
  return wrongIdentity(connection, identity, sa.peer.address) ?? unproved(sa, connection, identity, payloads);
}

/** The first child's keys come from the nonces of IKE_SA_INIT (RFC 7296 §2.17). */
function firstChildKeys(sa: IkeSa, { keyLengths }: ChildAlgorithms): ReturnType<typeof childKeys> {
  const { nonceI, nonceR } = sa.handshake!;
  return childKeys({ prf: sa.algorithms!.prf, keyLengths, skD: sa.protection.keys.skD, nonceI, nonceR });
}

const childStory = (sa: IkeSa, mode: ChildMode): string => {
  const { me, other } = sa.names;
  return `The first child SA is there: ${me} and ${other} can send ${wantedProtocol(sa).toUpperCase()}${mode === 'transport' ? ' around their own packets (transport mode)' : ''}, ${wayOfPackets(sa)}.`;
};
