/** What becomes of the child SAs of an ISAKMP SA that ends while another one stands with the same peer: they go on under that (IKEv1 ties them to none). */
import { after, type Duration } from '../../core/time.ts';
import { startKeepalives, stopKeepalives } from '../keepalive.ts';
import { deleteIsakmpSa } from './notices.ts';
import type { IsakmpSa } from './sa.ts';

const ending = 'old ISAKMP SA';

/** Another ISAKMP SA has taken its place. After a while it is deleted, unless that is for the peer to do. */
export function stepBack(old: IsakmpSa, successor: IsakmpSa, wait: Duration | 'peer'): void {
  const { context } = old;
  old.successor = successor;
  old.state = 'rekeyed';
  old.handOver(successor);
  stopKeepalives(old);
  old.cancel('ISAKMP SA lifetime');
  tell(old, 'rekeyed', 'Its children go on under a new ISAKMP SA.');
  if (wait === 'peer') return;
  old.alarm(ending, after(context.now, wait), () => {
    bequeath(old);
    deleteIsakmpSa(old, 'Another ISAKMP SA has taken its place.');
  });
}

/** It ends: one that stands, or at least one that had stepped back for it, has the children from now on. */
export function bequeath(sa: IsakmpSa): void {
  if (sa.children.size === 0) return;
  const heir = sa.successor?.isGone === false ? sa.successor : (sa.kin.find(({ state }) => state === 'established') ?? sa.kin.find(({ state }) => state === 'rekeyed'));
  if (heir === undefined) return;
  if (heir.state === 'rekeyed') {
    heir.state = 'established';
    heir.successor = undefined;
    heir.cancel(ending);
    startKeepalives(heir);
    tell(heir, 'established', 'The ISAKMP SA that has taken its place ends: it has its children back.');
  }
  sa.handOver(heir);
}

function tell(sa: IsakmpSa, state: 'rekeyed' | 'established', story: string): void {
  const { context, name, peer, peerIdentity } = sa;
  context.event({ kind: 'ike-sa', state, ...name, peer, ...(peerIdentity === undefined ? {} : { peerIdentity }), story });
}
