/** A message too long for one packet, of which the pieces do not arrive. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';

export const fragmentsLost: Finding = {
  id: 'fragments-lost',
  title: 'Fragments are lost on the way',
  ref: 'RFC 7296 §2, RFC 7383 §1',
  next: 'Switch IKE fragmentation on (RFC 7383), or make messages shorter: a key or an ECDSA certificate instead of a chain. The box must pass fragments, all of them.',
  find: (view) => {
    const lost = view.open.filter(({ item }) => item.kind === 'ike' && item.pieces);
    return from(lost, 'seen', ({ item, origin, times, last }) => {
      const further = last.place === origin.place ? '' : ` All pieces were seen together at ${last.place} for the last time.`;
      return `${item.ike!.exchange} has ${item.ike!.length} octets and leaves ${origin.place} in fragments, ${times} times; nothing answers it, though short messages are answered.${further}`;
    });
  },
};
