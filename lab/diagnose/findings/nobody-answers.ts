/** What is left: asked, and no answer. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';

export const swallowedOnTheWay: Finding = {
  id: 'swallowed',
  title: 'A box on the way lets IKE in and not out',
  ref: 'RFC 4787 §4',
  next: 'Open UDP 500 and 4500 on that box. If the address that is asked is its own outside address, it would have to turn packets around (hairpinning): use the inner address instead.',
  find: (view) => from(view.open.filter((question) => question.item.kind === 'ike' && view.swallowed(question) && view.beganSa(question)), 'seen', ({ item, origin, last, times }) => `${item.ike!.exchange} from ${origin.place} to UDP port ${origin.to.port} of ${origin.to.address} goes in at ${last.place} and does not come out, ${times} times.`),
};

export const nobodyAnswers: Finding = {
  id: 'nobody-answers',
  title: 'IKE is sent again and again, and nobody answers',
  ref: 'RFC 7296 §2.1',
  next: 'Capture at the gateway as well: if nothing arrives, something on the way blocks UDP 500 or 4500; if it arrives, ask the gateway\'s log why it says nothing (port, proposal, key for this address). A gateway that is reached by the box\'s own outside address needs hairpinning.',
  find: (view) => from(view.open.filter((question) => question.item.kind === 'ike' && view.beganSa(question)), 'seen', (question) => {
    const { last } = question;
    const arrives = view.reached(question) ? ` It arrives at ${last.place}.` : last.place !== question.origin.place && last.direction === 'out' ? ` It leaves ${last.place}.` : '';
    return `${question.item.ike!.exchange} from ${question.origin.from.address} to UDP port ${question.origin.to.port} of ${question.origin.to.address}, ${question.times} times, without an answer.${arrives}`;
  }),
};

export const nothingReturns: Finding = {
  id: 'nothing-returns',
  title: 'Data goes one way, and nothing returns',
  ref: 'RFC 3948 §4',
  next: 'Capture on the other side as well, and give the keys (--keys): whether it arrives, and whether it is answered, tells the two halves of the way apart.',
  find: (view) => from(view.open.filter(({ item, origin }) => item.kind !== 'ike' && origin.direction !== 'in'), 'seen', ({ item, origin, times }) => `${item.kind === 'ah' ? 'AH' : item.encapsulation === 'none' ? 'ESP' : 'ESP in UDP'} from ${origin.from.address} to ${origin.to.address}, ${times} ${times === 1 ? 'packet' : 'packets'}, and none comes back.`),
};
