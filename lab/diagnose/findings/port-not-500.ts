/** A gateway that answers port 500 only, whatever a NAT has made of it. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { ikePort } from '../../../src/wire/summarize.ts';

export const portNot500: Finding = {
  id: 'port-not-500',
  title: 'The gateway does not answer a client whose source port was translated',
  ref: 'RFC 7296 §2.11, RFC 3947 §4',
  next: 'Have the gateway answer to whatever port the question came from: old daemons and strict firewall rules insist on 500. Until then let the client start on port 4500.',
  find: (view) => {
    const ignored = view.open.filter((question) => question.item.kind === 'ike' && question.last.to.port === ikePort && question.last.from.port !== ikePort && question.last.direction === 'in' && (view.reached(question) || question.origin.direction === 'in'));
    return from(ignored, 'seen', ({ last, times }) => `The question comes to ${last.place} from port ${last.from.port}, ${times} times, and is not answered.`);
  },
};
