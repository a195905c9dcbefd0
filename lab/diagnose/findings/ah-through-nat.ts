/** AH signs the addresses that a NAT changes. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';

export const ahThroughNat: Finding = {
  id: 'ah-through-nat',
  title: 'AH cannot pass a NAT',
  ref: 'RFC 4302 §3.3.3.1, RFC 3715 §2.1',
  next: 'Use ESP: it authenticates what it carries, and in UDP it passes any NAT.',
  find: (view) => from(view.open.filter((question) => question.item.kind === 'ah' && view.hasNat(question)), 'seen', (question) => {
    const { origin, last } = question;
    const way = view.swallowed(question) ? `it goes in at ${last.place} and does not come out` : view.reached(question) ? `it arrives from ${last.from.address}, which is not what it was signed with` : 'none comes back';
    return `${origin.from.address} sends AH to ${origin.to.address} through a NAT: ${way}.`;
  }),
};
