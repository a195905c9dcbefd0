/** Dynamic address update: a peer whose NAT gave it another mapping is followed (RFC 7296 §2.23). */
import { describeEndpoint, sameEndpoint, type Endpoint } from '../core/address.ts';
import type { AnyIkeSa } from './any-ike-sa.ts';
import { moveChild, type ChildSa } from './child.ts';

/**
 * An authenticated packet that was never seen before came from `peer`. The IKE SA and all its child SAs go there from now on, if the peer stands behind a NAT
 * and this side does not: a host behind a NAT that followed would let anybody who can replay a packet lead it astray.
 */
export function followPeer(sa: AnyIkeSa, peer: Endpoint, by: 'ike' | 'esp'): void {
  if (sameEndpoint(peer, sa.peer) || !sa.nat.remoteBehindNat || sa.nat.localBehindNat) return;
  const from = sa.peer;
  sa.peer = peer;
  for (const child of sa.children) moveChild(child);
  const what = by === 'ike' ? 'An IKE message' : 'An ESP packet';
  const story = `${what} of ${sa.names.other} that passes its integrity check comes from ${describeEndpoint(peer)}, no longer from ${describeEndpoint(from)}: its NAT has made another mapping, and everything for ${sa.names.other} goes there from now on.`;
  sa.context.event({ kind: 'peer-moved', ...sa.name, from, to: peer, by, story });
}

/** SADB_X_NAT_T_NEW_MAPPING: the stack saw it in ESP. */
export const espCameFrom = ({ ike }: ChildSa, peer: Endpoint): void => followPeer(ike, peer, 'esp');
