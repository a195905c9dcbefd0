/** The mapping is gone, and the gateway speaks to a port that nobody has. */
import { from } from '../finding.ts';
import type { Finding } from '../finding.ts';
import type { Moment } from '../moment.ts';
import type { Question } from '../questions.ts';
import { byInitiator, nodeOf } from '../view.ts';
import type { View } from '../view.ts';
import { ikePort, nattPort } from '../../../src/wire/summarize.ts';

/** Who keeps nothing open for so long is forgotten by many boxes: Linux forgets after 30 s what was not answered (RFC 3948 §4 asks for 20 s). */
const forgetful = 30;

/** From the outside, in UDP: it comes to a box and goes no further. */
const fromOutside = (view: View): Question[] =>
  view.open.filter((question) => view.swallowed(question) && question.last.direction === 'in' && (question.origin.from.port === nattPort || question.origin.from.port === ikePort) && question.last.to.port !== 0 && !view.beganSa(question));

interface Silence {
  readonly who: string;
  readonly from: Moment;
  readonly seconds: number;
  readonly questions: readonly Question[];
}

/** A client behind a NAT, with a tunnel, who says nothing for so long, nor is he heard of again. */
function silences(view: View): Silence[] {
  const { facts } = view;
  const hidden = new Set(view.nats.filter(({ inFrontOf }) => inFrontOf === 'initiator').map(({ sa }) => sa));
  const asked = view.messages.filter((item) => hidden.has(item.ike!.sa) && !item.ike!.response && byInitiator(facts, item));
  return [...facts.speeches.values()].flatMap(({ place, speaker, peer, last, silence }): Silence[] => {
    const passing = asked.find((item) => item.sightings.some((one) => one.place === place && one.from.address === speaker && one.to.address === peer && one.to.port === nattPort));
    if (passing === undefined) return [];
    const between = silence === undefined ? [] : [{ from: silence.from, seconds: silence.to.at - silence.from.at }];
    const longest = [...between, { from: last, seconds: facts.until - last.at }].sort((a, b) => b.seconds - a.seconds)[0]!;
    const since = longest.from.at;
    if (longest.seconds < forgetful || [...facts.keepalives.values()].some((one) => one.place === place && one.from.address === speaker && one.count > 1)) return [];
    const origin = passing.sightings[0]!;
    const ownPlace = origin.place === place && origin.direction !== 'in';
    if (!ownPlace && origin.direction !== 'in') return []; // the client itself was watched
    const questions = view.open.filter((question) => question.origin.place === place && question.origin.first.at > since && (ownPlace || question.origin.to.address === speaker));
    const heard = view.items.some((item) => item.sightings.some((one) => one.place === place && one.from.port === nattPort && one.from.address === peer));
    const answeredLater = view.served.some((one) => nodeOf(one.origin.place) === nodeOf(place) && one.origin.first.at > since + 1);
    const heardLater = ownPlace && view.items.some((item) => item.sightings.some((one) => one.place === place && one.from.address === peer && one.last.at > since + forgetful));
    if (!heard || answeredLater || heardLater || (!ownPlace && questions.length === 0)) return [];
    return [{ who: ownPlace ? place : speaker, from: longest.from, seconds: longest.seconds, questions }];
  });
}

export const noKeepalives: Finding = {
  id: 'no-keepalives',
  title: 'No keepalives: the box forgets the client, and the gateway cannot reach it',
  ref: 'RFC 3948 §4, RFC 4787 §4.3',
  next: 'Switch NAT keepalives on at the client, every 20 s (RFC 3948 §4); dead-peer detection on both sides ends tunnels that are none.',
  find: (view) => {
    const [silent] = silences(view);
    if (silent === undefined) return undefined;
    const lost = fromOutside(view);
    const said = `${silent.who} is behind a NAT and sends nothing for ${Math.round(silent.seconds)} s from frame ${silent.from.frame} on, not even a keepalive; boxes forget after 30 s and more.`;
    const found = from([...lost, ...silent.questions], lost.length > 0 ? 'seen' : 'likely', () => (lost.length > 0 ? `${said} What ${lost[0]!.origin.from.address} then sends comes to ${lost[0]!.last.place} and goes no further.` : said), [silent.from.frame]);
    return found ?? { says: said, evidence: [silent.from.frame], certainty: 'likely', explains: [] };
  },
};

export const keepalivesTooSlow: Finding = {
  id: 'keepalives-too-slow',
  title: 'Keepalives come more slowly than boxes forget',
  ref: 'RFC 3948 §4, RFC 4787 §4.3',
  next: 'Shorten the interval: 20 s is the default of RFC 3948 §4, and Linux forgets after 30 s what was not answered.',
  find: (view) => {
    // where data flows nobody need send one
    const longestSilence = (place: string, speaker: string, peer: string): number => Math.max(0, ...[...view.facts.speeches.values()].flatMap((one) => (one.place === place && one.speaker === speaker && one.peer === peer && one.silence !== undefined ? [one.silence.to.at - one.silence.from.at] : [])));
    const slow = [...view.facts.keepalives.values()].find(({ count, first, last, place, from: speaker, to }) => count > 1 && (last.at - first.at) / (count - 1) > forgetful && longestSilence(place, speaker.address, to.address) > forgetful);
    if (slow === undefined) return undefined;
    const lost = fromOutside(view);
    const interval = Math.round((slow.last.at - slow.first.at) / (slow.count - 1));
    const said = `${slow.from.address} sends a keepalive every ${interval} s (frames ${slow.first.frame} to ${slow.last.frame} at ${slow.place}).`;
    return from(lost, 'seen', ({ last }) => `${said} Between two of them what the gateway sends comes to ${last.place} and goes no further.`, [slow.first.frame, slow.last.frame]) ?? { says: said, evidence: [slow.first.frame, slow.last.frame], certainty: 'likely', explains: [] };
  },
};

export const mappingLost: Finding = {
  id: 'mapping-lost',
  title: 'The box has lost the mapping: the gateway speaks to a port that is nobody\'s',
  ref: 'RFC 7296 §2.23, RFC 4787 §4.3',
  next: 'A reboot, a full table or another port: the client must speak first. Keepalives bring the way back, data or dead-peer detection bring the gateway along.',
  find: (view) => from(fromOutside(view).filter((question) => !view.served.some(({ item, origin }) => item.ike !== undefined && origin.first.at > question.origin.first.at)), 'seen', ({ origin, last }) => `What ${origin.from.address} sends to port ${last.to.port} of ${last.to.address} comes to ${last.place} and goes no further.`),
};
