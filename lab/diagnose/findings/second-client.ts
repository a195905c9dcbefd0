/** A box that has room for one client. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { ikePort } from '../../../src/wire/summarize.ts';

export const secondClient: Finding = {
  id: 'second-client-swallowed',
  title: 'A second client behind the same box gets nothing out on port 500',
  ref: 'RFC 3947 §4, RFC 4787 §4.2',
  next: 'Switch "VPN passthrough" off; or use NAT traversal, best from port 4500 on from the first message. If the second client\'s messages do arrive, the gateway answers port 500 only.',
  find: (view) => {
    const shut = view.open.filter((question) => question.item.kind === 'ike' && !question.workedBefore && question.origin.direction !== 'in' && question.origin.from.port === ikePort && !view.reached(question)
      && view.othersServed(question).some((one) => one.origin.from.port === ikePort));
    return from(shut, shut.some((question) => view.swallowed(question)) ? 'seen' : 'likely', (question) => {
      const [other] = view.othersServed(question).filter((one) => one.origin.from.port === ikePort);
      const where = view.swallowed(question) ? ` It goes in at ${question.last.place} and does not come out.` : '';
      return `${question.origin.place} asks ${question.origin.to.address} from port 500, ${question.times} times, without an answer; ${other!.origin.from.address}, from port 500 too, is answered.${where}`;
    });
  },
};
