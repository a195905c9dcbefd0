/** A message too long for one packet, of which the pieces do not arrive. */
import { from } from '../finding.ts';
import type { Conclusion, Finding } from '../finding.ts';
import type { Piecemeal } from '../facts.ts';
import type { Question } from '../questions.ts';
import type { View } from '../view.ts';

/** Pieces that came to the asker from whom he asked, and not all of them. */
const partOfAnswer = ({ facts }: View, { item, origin }: Question): Piecemeal | undefined =>
  item.kind === 'ike' ? [...facts.piecemeal.values()].find((one) => !one.whole && one.place === origin.place && one.from === origin.to.address && one.first.at >= origin.first.at) : undefined;

function ofAnswer(view: View): Conclusion | undefined {
  const unanswered = view.open.filter((question) => partOfAnswer(view, question) !== undefined);
  return from(unanswered, 'seen', (question) => `What ${question.origin.to.address} sends comes to ${question.origin.place} in pieces, and not all of them come: ${question.item.ike!.exchange} is sent ${question.times} times and gets no whole answer.`, unanswered.map((question) => partOfAnswer(view, question)!.first.frame));
}

export const fragmentsLost: Finding = {
  id: 'fragments-lost',
  title: 'Fragments are lost on the way',
  ref: 'RFC 7296 §2, RFC 7383 §1',
  next: 'Switch IKE fragmentation on (RFC 7383), or make messages shorter: a key or an ECDSA certificate instead of a chain. The box must pass fragments, all of them.',
  find: (view) => {
    const lost = view.open.filter(({ item }) => item.kind === 'ike' && item.pieces);
    const waiting = view.open.filter(({ item, answer }) => item.kind === 'ike' && !item.pieces && answer?.pieces === true && lost.some((question) => question.item.ike!.sa === item.ike!.sa));
    return from([...lost, ...waiting], 'seen', ({ item, origin, times, last }) => {
      const further = last.place === origin.place ? '' : ` All pieces were seen together at ${last.place} for the last time.`;
      return `${item.ike!.exchange} has ${item.ike!.length} octets and leaves ${origin.place} in fragments, ${times} times; nothing answers it, though short messages are answered.${further}`;
    }) ?? ofAnswer(view);
  },
};
