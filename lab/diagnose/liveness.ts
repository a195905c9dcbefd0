/** Whether the peer lives: questions that say nothing else, and what follows where none is answered (RFC 7296 §2.4, RFC 3706). */
import type { Item } from './facts.ts';
import { originOf } from './questions.ts';
import type { Question } from './questions.ts';
import type { View } from './view.ts';

/** Of IKEv2 any INFORMATIONAL request, which asks for an answer whatever it says; IKEv1 has a notification for it, which only keys show. */
export const isProbe = ({ ike }: Item): boolean => (ike?.version === 2 ? ike.exchange === 'INFORMATIONAL' && !ike.response : ike?.notifies.includes('R_U_THERE') === true);

/** `alice eth0 asks 203.0.113.2 6 times within 85 s whether it lives, hears nothing, and begins anew in frame 30.` */
export function givenUp(view: View, { item, origin, times }: Question): string {
  const asked = view.open.filter((other) => isProbe(other.item) && other.origin.place === origin.place && other.origin.to.address === origin.to.address);
  const last = Math.max(...asked.map((other) => other.origin.last.at));
  const first = Math.min(...asked.map((other) => other.origin.first.at));
  const again = view.messages.find((other) => /^0+$/.test(other.ike!.responderSpi) && originOf(other).place === origin.place && originOf(other).from.address === origin.from.address && originOf(other).first.at >= last && other.ike!.sa !== item.ike!.sa);
  const ending = again !== undefined ? `and begins anew in frame ${originOf(again).first.frame}` : view.facts.until - last > (last - first) / 2 ? 'and has given it up' : 'and is still asking where the capture ends';
  return `${origin.place} asks ${origin.to.address} ${times} times within ${Math.round(last - first)} s whether it lives, hears nothing, ${ending}.`;
}

/** Whether the peer has said anything in this SA since it was asked, of itself. */
export const isHeardSince = (view: View, { item, origin }: Question): boolean =>
  view.messages.some(({ ike, sightings }) => ike!.sa === item.ike!.sa && sightings.some((one) => one.place === origin.place && one.direction !== 'out' && one.from.address === origin.to.address && one.last.at > origin.first.at));
