/** Somebody on the way says no, or that there is no way. */
import { from } from '../finding.ts';
import type { Conclusion, Finding } from '../finding.ts';
import { ikePort, nattPort } from '../../../src/wire/summarize.ts';
import type { IcmpError } from '../facts.ts';
import type { Question } from '../questions.ts';
import type { View } from '../view.ts';

/** An error about what was asked: of a refusal to the same port, of a missing way to the same address. */
function errorAbout({ facts }: View, { item, origin }: Question, isNoWay: boolean): IcmpError | undefined {
  if (item.encapsulation === 'none' && item.kind !== 'ike') return undefined;
  return facts.errors.find((error) => error.kind === 'unreachable' && error.noWay === isNoWay && error.about.to.address === origin.to.address && error.about.to.port === origin.to.port && error.at >= origin.first.at);
}

/** Where nothing else tells that something was asked: since the error nothing has come from there. */
function lastWord({ facts }: View): Conclusion | undefined {
  const heard = (address: string): number => Math.max(-Infinity, ...[...facts.speeches.values()].flatMap(({ speaker, last }) => (speaker === address ? [last.at] : [])));
  const errors = facts.errors.filter(({ noWay: isNoWay, about, at }) => isNoWay && [ikePort, nattPort].includes(about.to.port) && at > heard(about.to.address));
  const [first] = errors;
  return first && { says: `${first.by} answers what ${first.about.from.address} sends to UDP port ${first.about.to.port} of ${first.about.to.address} with an ICMP error: no way to this network or host. Nothing has come from there since.`, evidence: errors.map(({ frame }) => frame), certainty: 'seen', explains: [] };
}

const finding = (id: string, title: string, ref: string, next: string, isNoWay: boolean, word: string): Finding => ({
  id, title, ref, next,
  find: (view) => {
    const refused = view.open.filter((question) => errorAbout(view, question, isNoWay) !== undefined);
    const [first] = refused;
    if (first === undefined && isNoWay) return lastWord(view);
    const error = first && errorAbout(view, first, isNoWay);
    return from(refused, 'seen', ({ origin }) => `${error!.by} answers what ${origin.place} sends to UDP port ${origin.to.port} of ${origin.to.address} with an ICMP error: ${word}.`, error === undefined ? [] : [error.frame]);
  },
});

export const refusedByIcmp = finding('refused-by-icmp', 'Somebody on the way refuses the packets, and says so', 'RFC 1812 §5.2.7.1', 'Open the port at whoever sends the ICMP error: UDP 500 and 4500.', false, 'unreachable');

export const noWay = finding('no-way', 'A router on the way says that there is no way to the peer', 'RFC 792, RFC 1812 §5.2.7.1', 'Look behind the router that says so: its line is down, its route is missing, or the address is nobody\'s. IKE and NAT are not to blame.', true, 'no way to this network or host');
