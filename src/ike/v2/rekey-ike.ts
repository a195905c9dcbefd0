/** CREATE_CHILD_SA for the IKE SA itself: a successor with fresh keys inherits the children (RFC 7296 §1.3.2, §2.8.2, §2.18, §2.25.2). */
import { below, fraction } from '../../core/random.ts';
import { after, scaled, seconds } from '../../core/time.ts';
import { dhGroup } from '../../crypto/diffie-hellman.ts';
import { rekeyedIkeKeys } from '../../crypto/ike-keys.ts';
import type { DhGroup } from '../../crypto/types.ts';
import { notifyTypes, protocolIds, type Payload } from '../../wire/ike/message.ts';
import { notifyName } from '../../wire/ike/notation.ts';
import type { Role } from '../any-ike-sa.ts';
import { stopKeepalives } from '../keepalive.ts';
import { adoptChildren, deleteIkeSa } from './informational.ts';
import { freshNonce, freshSpi } from './init.ts';
import { lower, lowest } from './nonces.ts';
import { errorOf, invalidKe, nonceOf, notify, only, wantedGroup } from './payloads.ts';
import { acceptedIke, chooseIke, ikeProposals, type IkeAlgorithms } from './proposals.ts';
import { IkeSa } from './sa.ts';

type Established = (sa: IkeSa) => void;

/** Who asked for the rekey deletes the old IKE SA; a peer that forgets it is helped after this time. */
const oldSaLifetime = seconds(60);

/** RFC 7296 §2.8: the timing is jittered, lest both sides start at once. */
export function watchIkeLifetime(sa: IkeSa, established: Established): void {
  const lifetime = sa.connection.rekeyIkeAfter;
  if (lifetime === 'never') return;
  sa.alarm('IKE SA lifetime', after(sa.context.now, scaled(lifetime, 1 - 0.1 * fraction(sa.context.random))), () => rekeyIkeSa(sa, established));
}

// ---- asking

export function rekeyIkeSa(sa: IkeSa, established: Established, wanted?: DhGroup): void {
  if (sa.state !== 'established' || sa.rekeyAsked) return;
  const { random } = sa.context;
  const spi = freshSpi(random);
  const nonceI = freshNonce(random);
  const group = wanted ?? sa.algorithms!.group;
  const keyPair = group.generate(random);
  const offer = ikeProposals(sa.connection.proposals, spi);
  sa.window.ask({
    exchange: 'CREATE_CHILD_SA',
    payloads: () => {
      if (sa.state !== 'established' || sa.rekeyAsked) return undefined; // the peer was quicker
      sa.rekeyAsked = true;
      return [{ type: 'SA', proposals: offer }, { type: 'Nonce', data: nonceI }, { type: 'KE', group: group.id, data: keyPair.publicValue }];
    },
    answered: (payloads) => {
      sa.rekeyAsked = false;
      const error = errorOf(payloads);
      const chosen = acceptedIke(only(payloads, 'SA')?.proposals ?? [], offer);
      const [ke, nonceR] = [only(payloads, 'KE'), nonceOf(payloads)];
      const isSound = error === undefined && chosen !== undefined && nonceR !== undefined && ke?.group === group.id && chosen.algorithms.group.id === group.id;
      const sharedSecret = isSound ? keyPair.agree(ke.data) : undefined;
      if (chosen === undefined || nonceR === undefined || sharedSecret === undefined) {
        notRekeyed(sa, error, group, established);
        return;
      }
      const successor = succeed(sa, 'initiator', { algorithms: chosen.algorithms, sharedSecret, nonceI, nonceR, spiI: spi, spiR: chosen.proposal.spi }, established);
      decide(sa, successor, lowest(nonceI, nonceR));
    },
  });
}

/**
 * If the peer asked at the same time there are two successors: the one made with the lowest of the four nonces is closed by who made it; who made the other
 * closes the old IKE SA (RFC 7296 §2.8.2).
 */
function decide(old: IkeSa, successor: IkeSa, lowestNonce: Uint8Array): void {
  const rival = old.peersRekey;
  if (rival !== undefined && !rival.successor.isGone && lower(lowestNonce, rival.lowestNonce)) {
    retire(old, rival.successor);
    deleteIkeSa(successor, 'Both sides wanted a new IKE SA at once; this one was made with the lowest nonce, so who made it closes it.');
  } else {
    retire(old, successor);
    deleteIkeSa(old, 'Another IKE SA has taken its place.');
  }
}

function notRekeyed(sa: IkeSa, error: ReturnType<typeof errorOf>, group: DhGroup, established: Established): void {
  if (sa.peersRekey !== undefined) {
    retire(sa, sa.peersRekey.successor);
    return;
  }
  const asked = error?.notifyType === notifyTypes.INVALID_KE_PAYLOAD ? wantedGroup(error) : undefined;
  const other = sa.connection.proposals.flatMap(({ groups }) => groups.map(dhGroup)).find(({ id }) => id === asked && id !== group.id);
  if (other !== undefined) {
    rekeyIkeSa(sa, established, other);
    return;
  }
  if (error?.notifyType !== notifyTypes.TEMPORARY_FAILURE) {
    const what = error === undefined ? 'an answer that makes no sense' : notifyName(error.notifyType);
    sa.context.drop('ike-syntax', `the IKE SA is not rekeyed: ${what}`, undefined, sa.peer);
  }
  sa.alarm('IKE SA lifetime', after(sa.context.now, seconds(5 + below(sa.context.random, 10))), () => rekeyIkeSa(sa, established));
}

// ---- answering

export function answerIkeRekey(sa: IkeSa, payloads: readonly Payload[], established: Established): void {
  const { random } = sa.context;
  const busy = [...sa.children].some(({ state }) => state === 'deleting') || (sa.window.asks('CREATE_CHILD_SA') && !sa.rekeyAsked);
  if (busy) {
    sa.window.answer([notify(notifyTypes.TEMPORARY_FAILURE)]);
    return;
  }
  const [proposals, ke, nonceI] = [only(payloads, 'SA')?.proposals ?? [], only(payloads, 'KE'), nonceOf(payloads)];
  const chosen = chooseIke(proposals.filter(({ spi }) => spi.length === 8), sa.connection.proposals, ke?.group);
  if (chosen === undefined) {
    sa.window.answer([notify(notifyTypes.NO_PROPOSAL_CHOSEN)]);
    return;
  }
  const { group } = chosen.algorithms;
  if (ke?.group !== group.id) {
    sa.window.answer([invalidKe(group.id)]);
    return;
  }
  const keyPair = group.generate(random);
  const sharedSecret = keyPair.agree(ke.data);
  if (sharedSecret === undefined || nonceI === undefined) {
    sa.window.answer([notify(notifyTypes.INVALID_SYNTAX)]);
    return;
  }
  const spi = freshSpi(random);
  const nonceR = freshNonce(random);
  sa.window.answer([
    { type: 'SA', proposals: [{ ...chosen.proposal, spi }] },
    { type: 'Nonce', data: nonceR },
    { type: 'KE', group: group.id, data: keyPair.publicValue },
  ]);
  const successor = succeed(sa, 'responder', { algorithms: chosen.algorithms, sharedSecret, nonceI, nonceR, spiI: chosen.proposal.spi, spiR: spi }, established);
  sa.peersRekey = { successor, lowestNonce: lowest(nonceI, nonceR) };
  if (sa.rekeyAsked) successor.predecessor = sa;
  else retire(sa, successor);
}

/** Both sides wanted a new IKE SA, and the peer goes on under the one that it asked for (unless it closes it): for it, that one has won. */
export function peerHasDecided(sa: IkeSa, payloads: readonly Payload[]): void {
  const closes = payloads.some((payload) => payload.type === 'Delete' && payload.protocol === protocolIds.IKE);
  if (sa.predecessor !== undefined && !closes) retire(sa.predecessor, sa);
}

// ---- both

interface Agreement {
  readonly algorithms: IkeAlgorithms;
  readonly sharedSecret: Uint8Array;
  readonly nonceI: Uint8Array;
  readonly nonceR: Uint8Array;
  readonly spiI: Uint8Array;
  readonly spiR: Uint8Array;
}

/** The new IKE SA: who asked for it is its initiator, and message IDs start at 0 again (RFC 7296 §2.18). */
function succeed(old: IkeSa, role: Role, { algorithms, sharedSecret, nonceI, nonceR, spiI, spiR }: Agreement, established: Established): IkeSa {
  const { context, connection, local, peer } = old;
  const sa = new IkeSa(context, { role, connection, initiatorSpi: spiI.slice(), responderSpi: spiR.slice(), local, peer });
  sa.nat = old.nat;
  sa.fragmentation = old.fragmentation;
  sa.peerIdentity = old.peerIdentity;
  const { prf, suite } = algorithms;
  sa.useKeys(algorithms, rekeyedIkeKeys({ prf: old.algorithms!.prf, skD: old.protection.keys.skD }, { prf, suite, sharedSecret, nonceI, nonceR, spiI: sa.initiatorSpi, spiR: sa.responderSpi }));
  sa.state = 'established';
  context.sas.add(sa);
  context.sas.authenticated(sa);
  tell(sa, 'established', 'A new IKE SA with fresh keys, to take the place of the old one.');
  established(sa);
  return sa;
}

function retire(old: IkeSa, successor: IkeSa): void {
  if (old.isGone || old.state === 'rekeyed') return;
  successor.predecessor = undefined;
  old.state = 'rekeyed'; // first: what waits in its window sees that it is too late
  adoptChildren(old, successor);
  stopKeepalives(old);
  tell(old, 'rekeyed', 'Its children go on under a new IKE SA.');
  old.alarm('old IKE SA', after(old.context.now, oldSaLifetime), () => deleteIkeSa(old, 'The peer has not deleted the IKE SA that it replaced.'));
}

function tell(sa: IkeSa, state: 'established' | 'rekeyed', story: string): void {
  const { peer, peerIdentity } = sa;
  sa.context.event({ kind: 'ike-sa', state, ...sa.name, peer, ...(peerIdentity === undefined ? {} : { peerIdentity }), story });
}
