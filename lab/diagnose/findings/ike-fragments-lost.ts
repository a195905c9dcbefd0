/** A message that IKE itself has cut up, and of which not every fragment arrives. */
import { from } from '../finding.ts';
import type { Conclusion, Finding } from '../finding.ts';
import type { Item } from '../facts.ts';
import { fragmentsOf, missingAt, originOf } from '../questions.ts';
import type { Question } from '../questions.ts';
import type { View } from '../view.ts';
import { plural } from '../../wording.ts';

/** Where the first of these fragments are missing, and which. */
function torn(fragments: readonly Item[]): { readonly place: string; readonly missing: readonly (number | 'the last')[] } | undefined {
  const places = new Set(fragments.flatMap(({ sightings }) => sightings.map(({ place }) => place)));
  return [...places].map((place) => ({ place, missing: missingAt(fragments, place) })).find(({ missing }) => missing.length > 0);
}

/** The fragments of what was asked, or of what should have been its answer. */
function tornOf({ messages }: View, { item, answer }: Question): { readonly fragments: readonly Item[]; readonly at: NonNullable<ReturnType<typeof torn>> } | undefined {
  for (const message of [item, ...(answer === undefined ? [] : [answer])]) {
    const fragments = message.ike?.fragment === undefined ? [] : fragmentsOf(message, messages);
    const at = torn(fragments);
    if (at !== undefined) return { fragments, at };
  }
  return undefined;
}

function seen(view: View): Conclusion | undefined {
  const lost = view.open.filter((question) => tornOf(view, question) !== undefined);
  return from(lost, 'seen', (first) => {
    const { fragments, at: { place, missing } } = tornOf(view, first)!;
    const [{ ike }] = fragments as [Item];
    const total = Math.max(...fragments.map((one) => one.ike!.fragment!.total ?? 0));
    const which = missing.length === 1 && typeof missing[0] === 'number' ? `number ${missing[0]}` : missing.join(', ');
    return `${ike!.exchange} is cut up by IKE${total === 0 ? '' : ` into ${total} fragments`}; some of them come to ${place}, and ${which} does not. Without it the others say nothing.`;
  });
}

/** Where only their sender was watched: what is short is answered on the same port, and what is in fragments is not. */
function likely(view: View): Conclusion | undefined {
  const unheard = view.open.filter((question) => question.item.ike?.fragment !== undefined && !view.reached(question) && view.heardFrom(question, question.origin.to.port) !== undefined);
  return from(unheard, 'likely', ({ item, origin, times }) => {
    const count = fragmentsOf(item, view.messages).length;
    return `${item.ike!.exchange} leaves ${originOf(item).place} in ${plural(count, 'fragment')} of IKE's own to ${origin.to.address}, ${times} packets in all, and nothing answers it, though short messages are answered.`;
  });
}

export const ikeFragmentsLost: Finding = {
  id: 'ike-fragments-lost',
  title: 'A fragment of IKE\'s own is lost on the way',
  ref: 'RFC 7383 §2.6',
  next: 'One missing fragment costs the whole message, and all of it is sent again. A link that loses much, or a box that limits packets a second, is to blame: make fragments longer, so that there are fewer, or messages shorter (a key or an ECDSA certificate instead of a chain).',
  find: (view) => seen(view) ?? likely(view),
};
