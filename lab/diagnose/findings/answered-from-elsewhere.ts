/** The peer answers from an address that was not asked. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { byInitiator } from '../view.ts';

export const answeredFromElsewhere: Finding = {
  id: 'answered-from-elsewhere',
  title: 'The answers come from another address than was asked',
  ref: 'RFC 7296 §2.11, RFC 4787 §6',
  next: 'Client and gateway stand behind the same box, which turns packets around half way: have it translate the source as well, let the client use the inner address, or force encapsulation in UDP.',
  find: (view) => {
    for (const { item } of view.served) {
      const asked = item.sightings[0]!;
      if (item.kind !== 'ike' || asked.direction === 'in' || !byInitiator(view.facts, item)) continue; // a client's answers come from wherever its box has moved it to
      const answer = view.messages.find((other) => other.ike!.sa === item.ike!.sa && other !== item && other.sightings.some((one) => one.place === asked.place && one.direction === 'in' && one.to.address === asked.from.address && one.from.address !== asked.to.address));
      if (answer === undefined) continue;
      const came = answer.sightings.find(({ place }) => place === asked.place)!;
      return from(view.open.filter(({ origin }) => origin.place === asked.place), 'seen', () => `${asked.place} asks ${asked.to.address}, and the answer comes from ${came.from.address}: what it then sends to ${asked.to.address} without ports finds nobody.`, [asked.first.frame, came.first.frame]);
    }
    return undefined;
  },
};
