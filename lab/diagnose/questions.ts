/** What was asked and not answered, and how far it came: the one thing that all trouble on the way has in common. */
import type { Facts, Item, Sighting } from './facts.ts';

export interface Question {
  readonly item: Item;
  /** Where it was first seen, and last on its way. */
  readonly origin: Sighting;
  readonly last: Sighting;
  /** Everything of the same kind that the asker said there without being answered, this included. */
  readonly times: number;
  /** What answered it and never came back to where it was asked. */
  readonly answer: Item | undefined;
  /** Whether something like it was answered there before. */
  readonly workedBefore: boolean;
}

/** How long an answer may take, in seconds. */
const patience = 1.5;

/** Who was served: a question that was answered where it was asked. */
export interface Served {
  readonly item: Item;
  readonly origin: Sighting;
}

export interface Questions {
  /** Nobody has answered them, and nothing like them later. */
  readonly open: readonly Question[];
  readonly served: readonly Served[];
  /** Nobody has answered them, but something like them later. */
  readonly healed: readonly Served[];
}

/** More of them say no more. */
const most = 512;

export function questionsIn(facts: Facts): Questions {
  const items = [...facts.ike.values(), ...facts.items.values()].filter((item) => item.sightings.length > 0);
  const kinds = [ikeQuestions(facts, items), innerQuestions(facts, items), blindQuestions(facts, items)];
  return { open: kinds.flatMap(({ open }) => open).slice(0, most), served: kinds.flatMap(({ served }) => served), healed: kinds.flatMap(({ healed }) => healed).slice(0, most) };
}

export const originOf = (item: Item): Sighting => item.sightings[0]!;
export const seenAt = (item: Item, place: string, since = -Infinity): Sighting | undefined => item.sightings.find((one) => one.place === place && one.last.at >= since);

// ---- messages that IKE has cut up by itself: none of their fragments says anything without the others ----------------------

/** The fragments of the message that this one is of, itself included; of a whole message that alone. */
export function fragmentsOf(item: Item, among: Iterable<Item>): readonly Item[] {
  const { ike } = item;
  if (ike?.fragment === undefined) return [item];
  const sender = originOf(item).from.address;
  return [...among].filter(({ ike: other, sightings }) => other?.fragment !== undefined && other.sa === ike.sa && other.messageId === ike.messageId && other.exchange === ike.exchange && other.response === ike.response && sightings[0]?.from.address === sender);
}

/** Which fragments there should be and are not at this place, where others of them are. Without the last one nobody knows of IKEv1 how many there are. */
export function missingAt(fragments: readonly Item[], place: string): readonly (number | 'the last')[] {
  const here = fragments.flatMap((item) => (item.ike?.fragment === undefined || seenAt(item, place) === undefined ? [] : [item.ike.fragment]));
  if (here.length === 0) return [];
  const total = Math.max(0, ...fragments.map(({ ike }) => ike!.fragment?.total ?? 0));
  const known = new Set(here.map(({ number }) => number));
  const missing = Array.from({ length: Math.min(total, mostFragments) }, (_, i) => i + 1).filter((number) => !known.has(number));
  return total === 0 ? ['the last'] : missing;
}

/** RFC 7383 leaves 16 bits for it, and nobody takes more than this. */
const mostFragments = 256;

const isWholeAt = (fragments: readonly Item[], place: string): boolean => missingAt(fragments, place).length === 0;

interface Asked {
  readonly item: Item;
  readonly origin: Sighting;
  /** Items that would be its answer, wherever they were seen. */
  readonly answers: readonly Item[];
  /** What makes another question one of the same kind. */
  readonly kind: string;
  /** Whether one that is asked once may go unanswered. */
  readonly once: boolean;
}

function sorted(facts: Facts, asked: readonly Asked[]): Questions {
  const came = ({ answers, origin }: Asked): boolean => answers.some((answer) => seenAt(answer, origin.place, origin.first.at) !== undefined && isWholeAt(fragmentsOf(answer, answers), origin.place));
  const answeredKinds = new Map<string, { first: number; last: number }>();
  for (const one of asked) {
    if (!came(one)) continue;
    const name = `${one.origin.place} ${one.kind}`;
    const known = answeredKinds.get(name);
    answeredKinds.set(name, { first: Math.min(known?.first ?? Infinity, one.origin.first.at), last: Math.max(known?.last ?? 0, one.origin.last.at) });
  }
  const isHealed = (one: Asked): boolean => (answeredKinds.get(`${one.origin.place} ${one.kind}`)?.last ?? -Infinity) > one.origin.first.at;
  const open = asked.filter((one) => {
    if (came(one) || isHealed(one)) return false;
    const waited = facts.until - one.origin.first.at;
    return one.origin.count > 1 ? waited >= patience : !one.once && waited >= patience;
  });
  const served = asked.filter(came).map(({ item, origin }) => ({ item, origin }));
  const told = open.map(({ item, origin, answers, kind }) => {
    const times = open.filter((other) => other.kind === kind && other.origin.place === origin.place).reduce((sum, other) => sum + other.origin.count, 0);
    const worked = answeredKinds.get(`${origin.place} ${kind}`);
    return { item, origin, last: item.sightings.at(-1)!, times, answer: answers.find((answer) => originOf(answer).first.at >= origin.first.at), workedBefore: worked !== undefined && worked.first < origin.first.at };
  });
  const healed = asked.filter((one) => !one.once && !came(one) && isHealed(one)).map(({ item, origin }) => ({ item, origin }));
  return { open: told, served, healed };
}

function ikeQuestions(facts: Facts, items: readonly Item[]): Questions {
  const messages = items.filter((item) => item.kind === 'ike');
  const bySa = new Map<string, Item[]>();
  for (const item of messages) bySa.set(item.ike!.sa, [...(bySa.get(item.ike!.sa) ?? []), item]);
  const asked = messages.flatMap((item): Asked[] => {
    const { ike } = item;
    const origin = originOf(item);
    const kind = `ike ${origin.from.address} ${origin.to.address}`;
    const others = bySa.get(ike!.sa)!;
    if (ike!.version === 2) {
      if (ike!.response) return [];
      const answers = others.filter((other) => other.ike!.response && other.ike!.messageId === ike!.messageId && other.ike!.byInitiator !== ike!.byInitiator && !other.ike!.notifies.includes('INVALID_IKE_SPI'));
      return [{ item, origin, answers, kind, once: false }];
    }
    if (ike!.notifies.includes('R_U_THERE')) return [{ item, origin, answers: others.filter((other) => other.ike!.notifies.includes('R_U_THERE_ACK') && originOf(other).from.address !== origin.from.address), kind, once: false }];
    // of IKEv1 whoever speaks waits for what the other says next in the same exchange; a last word has no answer, and is not repeated
    const answers = others.filter((other) => other.ike!.messageId === ike!.messageId && other.ike!.exchange === ike!.exchange && originOf(other).first.frame > origin.first.frame && originOf(other).from.address !== origin.from.address);
    return [{ item, origin, answers, kind, once: true }];
  });
  return sorted(facts, asked);
}

/** What could be decrypted, and AH, tell by themselves what is a question. */
function innerQuestions(facts: Facts, items: readonly Item[]): Questions {
  const inside = items.filter((item) => item.inner !== undefined);
  const byConversation = new Map<string, Item[]>();
  for (const item of inside) byConversation.set(item.inner!.conversation, [...(byConversation.get(item.inner!.conversation) ?? []), item]);
  const asked = inside.flatMap((item): Asked[] => {
    const inner = item.inner!;
    if (inner.role !== 'request') return [];
    const origin = originOf(item);
    const answers = byConversation.get(inner.conversation)!.filter((other) => other.inner!.role === 'answer');
    const target = inner.mode === 'tunnel' ? inner.to.address : origin.to.address;
    return [{ item, origin, answers, kind: `inner ${inner.protocol} ${inner.mode === 'tunnel' ? inner.from.address : origin.from.address} ${target}`, once: false }];
  });
  return sorted(facts, asked);
}

/** Without keys only much that goes one way, and nothing that comes back, tells anything. */
function blindQuestions(facts: Facts, items: readonly Item[]): Questions {
  const closed = items.filter((item) => item.kind !== 'ike' && item.inner === undefined);
  const flows = new Map<string, { readonly out: Item[]; back: number; readonly place: string }>();
  for (const item of closed) {
    for (const { place, from, to, first } of item.sightings) {
      const [there, back] = [`${place} ${from.address} ${to.address}`, `${place} ${to.address} ${from.address}`] // a mapping may move to another port;
      const flow = flows.get(there);
      const reverse = flows.get(back);
      if (flow === undefined) flows.set(there, { out: [item], back: reverse === undefined ? -Infinity : seenAt(reverse.out.at(-1)!, place)!.first.at, place });
      else flow.out.push(item);
      if (reverse !== undefined) reverse.back = Math.max(reverse.back, first.at);
    }
  }
  const served = [...flows.values()].flatMap(({ out, back }) => (back > originOf(out[0]!).first.at ? [{ item: out[0]!, origin: originOf(out[0]!) }] : []));
  const open = [...flows.values()].flatMap(({ out, back, place }): Question[] => {
    const since = out.filter((item) => seenAt(item, place)!.first.at > back);
    const [first] = since;
    if (first === undefined || originOf(first).place !== place || originOf(first).direction === 'in') return [];
    const span = originOf(since.at(-1)!).first.at - originOf(first).first.at;
    const enough = back === -Infinity ? since.length >= 2 : since.length >= 3 && span >= 2;
    if (!enough || facts.until - originOf(since.at(-1)!).first.at < patience) return [];
    return [{ item: first, origin: originOf(first), last: first.sightings.at(-1)!, times: since.length, answer: undefined, workedBefore: back !== -Infinity }];
  });
  return { open, served, healed: [] };
}
