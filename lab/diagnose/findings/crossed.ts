/** What is for one client comes to another. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import type { Item, Sighting } from '../facts.ts';
import type { Question } from '../questions.ts';
import type { View } from '../view.ts';

/** Where it ended: at a place of somebody else who asks questions of his own. */
function strayed(view: View, { item, origin, answer }: Question): { readonly what: Item; readonly to: Sighting } | undefined {
  const askers = new Set(view.items.flatMap(({ sightings: [first] }) => (first !== undefined && first.direction === 'out' ? [first.place] : [])));
  const there = answer?.sightings.at(-1);
  if (answer !== undefined && there !== undefined && there.direction === 'in' && there.place !== origin.place && askers.has(there.place)) return { what: answer, to: there };
  const last = item.sightings.at(-1)!;
  if (last.direction !== 'in' || item.kind !== 'ike' || !askers.has(last.place)) return undefined;
  const ofSa = view.messages.filter((other) => other.ike!.sa === item.ike!.sa);
  const saysSo = ofSa.some((other) => other.ike!.notifies.includes('INVALID_IKE_SPI') && other.sightings[0]!.place === last.place);
  // of IKEv1 nobody says so: what the same speaker has said in this SA has come to somebody else before
  const cameElsewhere = item.ike!.version === 1 && !ofSa.some(({ sightings: [first] }) => first!.place === last.place) && ofSa.some((other) => other.sightings[0]!.from.address === origin.from.address && other.sightings.at(-1)!.direction === 'in' && other.sightings.at(-1)!.place !== last.place);
  return saysSo || cameElsewhere ? { what: item, to: last } : undefined;
}

const crossed = (view: View, wanted: (question: Question) => boolean) => view.open.filter((question) => wanted(question) && strayed(view, question) !== undefined);

export const mappingStolen: Finding = {
  id: 'mapping-stolen',
  title: 'One client has taken the port of another',
  ref: 'RFC 4787 §4.2',
  next: 'Switch "VPN passthrough" off, so that the box translates port 500 like any other; or have clients use NAT traversal and port 4500.',
  find: (view) => from(crossed(view, ({ item }) => item.kind === 'ike'), 'seen', (question) => {
    const { what, to } = strayed(view, question)!;
    return `What belongs to an SA of somebody else, ${what.ike!.exchange}, comes to ${to.place}, which knows no such SA.`;
  }),
};

export const espCrossed: Finding = {
  id: 'plain-esp-crossed',
  title: 'The box hands the ESP of two clients to the wrong ones',
  ref: 'RFC 3948 §1',
  next: 'Plain ESP has no ports to tell clients apart by. Use NAT traversal, so that ESP travels in UDP.',
  find: (view) => from(crossed(view, ({ item }) => item.kind === 'esp' && item.encapsulation === 'none'), 'seen', (question) => {
    const { what, to } = strayed(view, question)!;
    return `${question.origin.place} asks, and the answer, ESP with SPI 0x${what.spi.toString(16).padStart(8, '0')}, comes to ${to.place}.`;
  }),
};

export const equalSelectors: Finding = {
  id: 'equal-selectors',
  title: 'Two clients have equal selectors: everything goes to the one who came last',
  ref: 'RFC 3948 §5.2',
  next: 'Give each client something of its own: an inner address (tunnel mode with virtual addresses), or a port of its own in transport mode.',
  find: (view) => {
    const strayedOnes = crossed(view, ({ item }) => item.kind === 'esp' && item.encapsulation !== 'none');
    if (strayedOnes.length > 0) {
      return from(strayedOnes, 'seen', (question) => {
        const { what, to } = strayed(view, question)!;
        return `${question.origin.place} asks in its tunnel, and since a second client has come the answers go by that one's SA, SPI 0x${what.spi.toString(16).padStart(8, '0')}, to ${to.place}.`;
      });
    }
    const displaced = view.open.filter((question) => {
      const { item, origin, workedBefore } = question;
      if (item.kind !== 'esp' || item.encapsulation === 'none' || !workedBefore) return false;
      const lastServed = Math.max(...view.servedHere(question).filter((one) => one.item.kind === 'esp').map((one) => one.origin.first.at));
      return view.othersServed(question).some((one) => one.item.kind === 'ike' && one.origin.first.at > lastServed && one.origin.first.at <= origin.first.at);
    });
    return from(displaced, view.open.some((question) => view.reached(question)) ? 'seen' : 'likely', ({ origin }) => `${origin.place} was answered until another client came to the same gateway, and is not answered since, while the other one is.`);
  },
};
