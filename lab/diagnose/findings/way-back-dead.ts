/** What goes out arrives; what comes back does not, though there was a way. */
import { plural } from '../../wording.ts';
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';

export const wayBackDead: Finding = {
  id: 'way-back-dead',
  title: 'The tunnel worked, and nothing comes back any more',
  ref: 'RFC 7296 §2.23, RFC 3948 §4',
  next: 'The box may have got another address and kept its old mappings, which keepalives refresh: be silent on port 4500 until it has forgotten, or restart the box. If the gateway has lost the SA, dead-peer detection on the client heals it.',
  find: (view) => {
    const dead = view.open.filter((question) => {
      const { item, origin, workedBefore } = question;
      if (!workedBefore || origin.direction === 'in' || item.encapsulation === 'none' && item.kind === 'esp') return false;
      // to a gateway the clients behind one box are one address: what another was answered says nothing
      const isOwn = view.beganSa(question) || view.servedHere(question).some((one) => one.item.ike?.sa === item.ike?.sa);
      return item.kind === 'esp' || (isOwn && view.heardFrom(question, origin.to.port) !== undefined);
    });
    return from(dead, dead.some((question) => view.reached(question)) ? 'seen' : 'likely', (question) => {
      const beats = [...view.facts.keepalives.values()].filter(({ place, from: speaker }) => place === question.origin.place && speaker.address === question.origin.from.address).reduce((sum, { count }) => sum + count, 0);
      const though = [...(view.reached(question) ? [`what it sends arrives at ${question.last.place}`] : []), ...(beats > 0 ? [`${plural(beats, 'keepalive')} went out`] : [])].join(' and ');
      return `${question.origin.place} was answered by ${question.origin.to.address} before, and is no longer${though === '' ? '' : `, though ${though}`}.`;
    });
  },
};
