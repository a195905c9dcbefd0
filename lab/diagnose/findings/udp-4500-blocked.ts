/** 500 works, and what moves to 4500 is lost. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { ikePort, nattPort } from '../../../src/wire/summarize.ts';

export const udp4500Blocked: Finding = {
  id: 'udp-4500-blocked',
  title: 'UDP port 4500 does not get through',
  ref: 'RFC 3947 §4, RFC 7296 §2.23',
  next: 'Open UDP 4500 in both directions, on the box and on every firewall up to the gateway. Does the gateway listen there?',
  find: (view) => {
    const blocked = view.open.filter((question) => question.item.kind === 'ike' && question.origin.to.port === nattPort && view.heardFrom(question, nattPort) === undefined && view.heardFrom(question, ikePort) !== undefined);
    return from(blocked, blocked.some((question) => view.swallowed(question)) ? 'seen' : 'likely', (question) => {
      const where = view.swallowed(question) ? ` It goes in at ${question.last.place} and does not come out.` : view.reached(question) ? ` It comes to ${question.last.place}, and nobody answers there.` : '';
      return `${question.origin.to.address} answers on port 500, and nothing ever comes from its port 4500: ${question.item.ike!.exchange} was sent there ${question.times} times.${where}`;
    });
  },
};
