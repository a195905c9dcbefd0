/**
 * Child SAs for the same traffic. IKEv1 has no word for one that takes another's place: the newer one does, and who has asked for it deletes the older one when
 * what is under way has arrived. Both sides may ask at once. Then the one with the lowest of the four SPIs goes, by the hand of who has asked for it: a rule of
 * ours, as RFC 2409 has none (RFC 7296 §2.8.1 takes nonces). With a peer that does not know it both stay, which does no harm.
 */
import { after, scaled, seconds, type Duration } from '../../core/time.ts';
import { tell } from '../child.ts';
import { sameSelectors, type Selectors } from '../traffic-selectors.ts';
import { deleteChild } from './notices.ts';
import type { IsakmpSa, V1Child } from './sa.ts';

/** Whose delete does not come, since it is said once, has its old child SA deleted by the other side. */
const patience = seconds(60);

/** For what is under way by the old one. */
const overlap = ({ ike }: V1Child): Duration => scaled(ike.context.config.retransmission.first, 2);

/** The child SAs with the same peer that carry this traffic. */
export const sameTraffic = (sa: IsakmpSa, { local, remote }: Selectors): V1Child[] =>
  [sa, ...sa.kin].flatMap(({ children }) => [...children]).filter(({ state, selectors }) => state === 'installed' && sameSelectors(selectors.local, local) && sameSelectors(selectors.remote, remote));

/** `child` can be used from now on: what was there before for its traffic steps back. */
export function takeOver(child: V1Child): void {
  for (const other of sameTraffic(child.ike, child.selectors)) {
    if (other === child) continue;
    if (!areRivals(child, other)) stepBack(other, child.role === 'initiator' ? overlap(other) : patience);
    else if (lower(child, other).role === 'initiator') stepBack(lower(child, other), overlap(other));
  }
}

/** Each side has asked for one of them, and for the later one before the other was there. */
const areRivals = (child: V1Child, other: V1Child): boolean => child.role !== other.role && child.asked < other.made;

const lower = (a: V1Child, b: V1Child): V1Child => (Math.min(a.spiIn, a.spiOut) < Math.min(b.spiIn, b.spiOut) ? a : b);

function stepBack(old: V1Child, wait: Duration): void {
  const { alarms, now } = old.ike.context;
  old.state = 'rekeyed';
  tell(old, 'rekeyed', 'A child SA with fresh keys takes over.');
  alarms.set(old.retry, after(now, wait));
}

/** Its time is over, unless the one that took its place has gone before it. */
export function retire(old: V1Child): void {
  if (sameTraffic(old.ike, old.selectors).length > 0) deleteChild(old, 'Another child SA has taken its place.');
  else old.state = 'installed';
}
