/** Lifetimes of ISAKMP SAs: phase 1 is gone through anew, by the ports that the old one has come to, and the child SAs go on under the new one (RFC 3947 §4). */
import { toHex } from '../../core/bytes.ts';
import { fraction } from '../../core/random.ts';
import { after, scaled, seconds } from '../../core/time.ts';
import { bequeath, stepBack } from './heirs.ts';
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
  sa.alarm('end of the ISAKMP SA', after(context.now, lifetime), () => {
    bequeath(sa);
    deleteIsakmpSa(sa, 'Its lifetime is over.');
  });
}

/** Phase 1 once more, in place of this one. Once: while that is under way nothing happens. */
export function rekeyIsakmpSa(sa: IsakmpSa): void {
  const { connection, context } = sa;
  const underWay = context.sas.ofConnection(connection.name).some(({ handshake }) => handshake?.predecessor === sa);
  if (sa.state === 'established' && !underWay) initiatePhaseOne(context, connection, sa, sa);
}

/**
 * A new ISAKMP SA is up. IKEv1 does not say whether it replaces one: it does if it leads to the same peer at the same place. When both sides have begun one at
 * once, both know both initiators' cookies: the ISAKMP SA with the lower one goes, by the hand of who has begun it (a rule of ours, like that of successors.ts).
 */
export function succeed(sa: IsakmpSa): void {
  const predecessor = sa.handshake?.predecessor;
  sa.inherits = predecessor !== undefined;
  for (const other of new Set([...(predecessor === undefined ? [] : [predecessor]), ...sa.kin])) {
    if (sa.state !== 'established' || other.state !== 'established') continue;
    const [old, successor] = areRivals(sa, other) && toHex(sa.initiatorSpi) < toHex(other.initiatorSpi) ? [sa, other] : [other, sa];
    successor.inherits ||= old.children.size > 0;
    if (areRivals(sa, other)) stepBack(old, successor, old.role === 'initiator' ? overlap : 'peer');
    else stepBack(old, successor, successor.role === 'initiator' ? overlap : patience);
  }
}

/** Each side has begun one of them, and the later one before the other was up. */
const areRivals = (sa: IsakmpSa, other: IsakmpSa): boolean => sa.role !== other.role && other.made !== undefined && sa.begun < other.made;
