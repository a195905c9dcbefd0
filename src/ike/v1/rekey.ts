/** Lifetimes of ISAKMP SAs: phase 1 is gone through anew, by the ports that the old one has come to, and the child SAs go on under the new one (RFC 3947 §4). */
import { fraction } from '../../core/random.ts';
import { after, scaled, seconds } from '../../core/time.ts';
import { sameEndpoint } from '../../core/address.ts';
import { stopKeepalives } from '../keepalive.ts';
import { initiatePhaseOne } from './initiate.ts';
import { deleteIsakmpSa } from './notices.ts';
import { rekeyMargin } from './phase1-proposals.ts';
import type { IsakmpSa } from './sa.ts';

/** Who began the new one deletes the old one, when what is under way under it has come to its end; a peer that forgets it is helped. */
const overlap = seconds(10);
const patience = seconds(60);

/** Who began it begins anew before it is over, the timing jittered; the other side waits for that, and for the end. */
export function watchLifetime(sa: IsakmpSa): void {
  const { lifetime, context, role } = sa;
  if (lifetime === undefined) return;
  const early = (1 - 0.1 * fraction(context.random)) / rekeyMargin;
  if (role === 'initiator') sa.alarm('ISAKMP SA lifetime', after(context.now, scaled(lifetime, early)), () => rekeyIsakmpSa(sa));
  sa.alarm('end of the ISAKMP SA', after(context.now, lifetime), () => deleteIsakmpSa(sa, 'Its lifetime is over.'));
}

/** Phase 1 once more, in place of this one. Once: while that is under way nothing happens. */
export function rekeyIsakmpSa(sa: IsakmpSa): void {
  const { connection, context } = sa;
  const underWay = context.sas.ofConnection(connection.name).some(({ handshake }) => handshake?.predecessor === sa);
  if (sa.state === 'established' && !underWay) initiatePhaseOne(context, connection, sa, sa);
}

/** A new ISAKMP SA is up. IKEv1 does not say whether it replaces one: it does if it leads to the same peer at the same place. */
export function succeed(sa: IsakmpSa): void {
  const { context, connection, peer, peerIdentity, handshake } = sa;
  const kin = peerIdentity === undefined ? [] : context.sas.ofPeer(peerIdentity);
  const old = handshake?.predecessor ?? kin.find((other) => other !== sa && other.state === 'established' && other.connection.name === connection.name && sameEndpoint(other.peer, peer));
  if (old?.state !== 'established') return;
  old.successor = sa;
  old.state = 'rekeyed';
  old.handOver(sa);
  stopKeepalives(old);
  old.cancel('ISAKMP SA lifetime');
  context.event({ kind: 'ike-sa', state: 'rekeyed', ...old.name, peer: old.peer, ...(old.peerIdentity === undefined ? {} : { peerIdentity: old.peerIdentity }), story: 'Its children go on under a new ISAKMP SA.' });
  const isOurs = handshake?.predecessor !== undefined;
  old.alarm('old ISAKMP SA', after(context.now, isOurs ? overlap : patience), () => {
    old.handOver(sa);
    deleteIsakmpSa(old, 'Another ISAKMP SA has taken its place.');
  });
}
