/** A box, mostly a carrier's, that has no further port to give. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { nattPort } from '../../../src/wire/summarize.ts';

export const noPortLeft: Finding = {
  id: 'no-port-left',
  title: 'The NAT has no port left for this client',
  ref: 'RFC 6888 REQ-4',
  next: 'Have clients start on 4500, so that each needs one port and not two; ask the carrier for more ports, or for IPv6.',
  find: (view) => {
    const without = view.open.filter((question) => question.item.kind === 'ike' && question.origin.to.port === nattPort && question.origin.direction !== 'in' && !view.reached(question) && view.heardFrom(question, nattPort) === undefined
      && view.othersServed(question).some((one) => one.origin.to.port === nattPort));
    return from(without, without.some((question) => view.swallowed(question)) ? 'seen' : 'likely', (question) => {
      const where = view.swallowed(question) ? ` What it sends goes in at ${question.last.place} and does not come out.` : '';
      return `${question.origin.place} gets no answer on port 4500, while others behind the same NAT do.${where}`;
    });
  },
};
