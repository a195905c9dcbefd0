/** Dead-peer detection that hears nothing, where nothing else tells why. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { givenUp, isHeardSince, isProbe } from '../liveness.ts';

export const peerDeclaredDead: Finding = {
  id: 'peer-declared-dead',
  title: 'Dead-peer detection hears nothing: the peer is taken for dead',
  ref: 'RFC 7296 §2.4, RFC 3706 §5.4',
  next: 'Capture at the peer as well. If the question does not arrive, the way is dead: a line, or a mapping that the box has forgotten, which only the client behind it can renew. If it arrives, the peer has lost the SA, and must begin anew.',
  find: (view) => from(view.open.filter((question) => isProbe(question.item) && question.origin.direction !== 'in' && question.times > 1 && !isHeardSince(view, question)), 'seen', (question) => givenUp(view, question)),
};
