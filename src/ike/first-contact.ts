/** A first contact that fails, in words: how far it came tells which of IKE's ports does not get through (RFC 7296 §2.23). */
import type { AnyIkeSa } from './any-ike-sa.ts';
import { natTraversalPort } from './port-float.ts';

/** What the initiator can conclude when nobody answers: a sentence with a space in front, or nothing where it has been heard out on the port that it speaks from. */
export function diagnosis({ role, responderSpi, movedAt, lastHeard, peer }: AnyIkeSa): string {
  if (role === 'responder') return '';
  if (responderSpi.every((octet) => octet === 0)) return ` Nothing has come back at all: UDP port ${peer.port} is blocked on the way, or nobody is at ${peer.address}.`;
  if (movedAt !== undefined && lastHeard <= movedAt) return ` It answered before the move and not after it: UDP port ${natTraversalPort} is blocked on the way.`;
  return '';
}
