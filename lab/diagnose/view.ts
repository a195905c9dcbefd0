/** The facts as findings ask for them: who is behind a NAT, how far something came, who else was served. */
import type { Facts, Item, Sighting } from './facts.ts';
import { originOf, questionsIn } from './questions.ts';
import type { Moment } from './moment.ts';
import type { Question, Served } from './questions.ts';

/** A NAT that a hash gives away: in front of whom, and the message that shows it. */
export interface SeenNat {
  readonly inFrontOf: 'initiator' | 'responder';
  readonly sa: string;
  readonly place: string;
  readonly frame: number;
}

/** The way from one watched place to the next. */
export interface Line {
  readonly to: string;
  /** When something came out of it for the last time. */
  readonly until: Moment;
}

export class View {
  readonly facts: Facts;
  /** What is open and not yet explained. */
  readonly open: readonly Question[];
  readonly served: readonly Served[];
  readonly healed: readonly Served[];
  readonly nats: readonly SeenNat[];
  readonly #forwarding: ReadonlySet<string>;
  readonly #speaking: ReadonlySet<string>;
  readonly #beginning: ReadonlySet<string>;
  readonly #lines: ReadonlyMap<string, Line>;

  constructor(facts: Facts, from?: View, open?: readonly Question[]) {
    this.facts = facts;
    if (from !== undefined) {
      [this.open, this.served, this.healed, this.nats] = [open!, from.served, from.healed, from.nats];
      [this.#forwarding, this.#speaking, this.#beginning, this.#lines] = [from.#forwarding, from.#speaking, from.#beginning, from.#lines];
      return;
    }
    const questions = questionsIn(facts);
    [this.open, this.served, this.healed] = [questions.open, questions.served, questions.healed];
    this.nats = natsIn(facts);
    const items = this.items;
    this.#forwarding = new Set(items.flatMap(({ sightings }) => sightings.map(({ place }) => nodeOf(place)).filter((node, i, all) => all.indexOf(node) !== i)));
    this.#beginning = new Set([...new Map(this.messages.map((item) => [item.ike!.sa, item]).reverse() as [string, Item][]).values()].map((item) => `${originOf(item).place} ${originOf(item).from.address}`));
    this.#lines = linesIn(facts, items);
    this.#speaking = new Set(items.flatMap((item) => (item.sightings.length > 0 && originOf(item).direction !== 'in' ? [originOf(item).place] : [])));
  }

  /** The same without these questions. */
  without(explained: ReadonlySet<Question>): View {
    return new View(this.facts, this, this.open.filter((question) => !explained.has(question)));
  }

  get items(): readonly Item[] {
    return [...this.facts.ike.values(), ...this.facts.items.values()];
  }

  get messages(): readonly Item[] {
    return [...this.facts.ike.values()];
  }

  /** What says no to an identity or to its proof. Behind the phase 1 of IKEv1 the same words are about the selectors of quick mode. */
  get refusals(): readonly Item[] {
    const inPhaseTwo = new Set(this.messages.flatMap(({ ike }) => (ike!.exchange === 'quick mode' ? [ike!.sa] : [])));
    return this.messages.filter(({ ike }) => ike!.refuses && !inPhaseTwo.has(ike!.sa));
  }

  /** What is open in an IKE SA. */
  openIn(sa: string): readonly Question[] {
    return this.open.filter(({ item }) => item.ike?.sa === sa);
  }

  /** Whether it has come to whom it was for, as far as this capture can tell. */
  reached({ last, origin }: Question): boolean {
    if (last.direction === 'out' || this.#forwarding.has(nodeOf(last.place)) || last.place === origin.place) return false;
    return this.#speaking.has(last.place) || isTranslated(origin, last);
  }

  /** Whether it was seen to go into something on the way, and not out of it. */
  swallowed(question: Question): boolean {
    const { origin, last } = question;
    const wentIn = last.place !== origin.place || (origin.direction === 'in' && this.#forwarding.has(nodeOf(origin.place))); // the box itself was watched, and nobody else
    return wentIn && last.direction !== 'out' && !this.reached(question);
  }

  /** Where what leaves there for this address comes to, as far as it was ever seen to arrive. */
  lineFrom({ place, to }: Pick<Sighting, 'place' | 'to'>): Line | undefined {
    return this.#lines.get(`${place} ${to.address}`);
  }

  /** Whether the asker is one who begins IKE SAs: mostly the client. */
  beganSa({ origin }: Question): boolean {
    return this.#beginning.has(`${origin.place} ${origin.from.address}`);
  }

  /** Whether a NAT stands between the two. */
  hasNat({ item, origin }: Question): boolean {
    if (item.sightings.some((one) => isTranslated(origin, one))) return true;
    const ofPlace = new Set(this.messages.flatMap((message) => (message.sightings.some(({ place }) => place === origin.place) ? [message.ike!.sa] : [])));
    return this.nats.some(({ sa }) => ofPlace.has(sa));
  }

  /** Others, at other places or from other addresses, whom the same peer has served. */
  othersServed({ origin }: Question): readonly Served[] {
    return this.served.filter((one) => one.origin.to.address === origin.to.address && (one.origin.place !== origin.place || one.origin.from.address !== origin.from.address) && one.origin.direction !== 'in');
  }

  /** What the same peer has answered at the same place. */
  servedHere({ origin }: Question): readonly Served[] {
    return this.served.filter((one) => one.origin.place === origin.place && one.origin.from.address === origin.from.address);
  }

  /** Anything that came to the asker's place from this port of the peer. */
  heardFrom({ origin }: Question, port: number): Item | undefined {
    return this.items.find((item) => item.sightings.some((one) => one.place === origin.place && one.from.port === port && one.to.address === origin.from.address));
  }
}

/** By the place and the address that it leads to. What passes a line is not changed, keepalives included. */
function linesIn(facts: Facts, items: readonly Item[]): ReadonlyMap<string, Line> {
  const lines = new Map<string, Line>();
  const later = (a: Moment | undefined, b: Moment): Moment => (a === undefined || b.at > a.at ? b : a);
  for (const { sightings } of items) {
    for (const [i, { place, direction, to }] of sightings.entries()) {
      const next = sightings[i + 1];
      if (direction !== 'out' || next?.direction !== 'in') continue;
      const name = `${place} ${to.address}`;
      lines.set(name, { to: next.place, until: later(lines.get(name)?.until, next.last) });
    }
  }
  for (const [name, line] of lines) {
    for (const { place, to, last } of facts.keepalives.values()) if (place === line.to && name.endsWith(` ${to.address}`)) lines.set(name, { ...line, until: later(lines.get(name)!.until, last) });
  }
  return lines;
}

const isTranslated = (before: Sighting, after: Sighting): boolean => before.from.address !== after.from.address || before.from.port !== after.from.port || before.to.address !== after.to.address;

/** `box eth0`: the interfaces of one machine share the first word. */
export const nodeOf = (place: string): string => (place.includes(' ') ? place.split(' ')[0]! : place);

/** Whether this message of an SA is by who began it. IKEv1 does not say: the first one that was seen is by the initiator, who may come from elsewhere later. */
export function byInitiator(facts: Facts, { ike, sightings }: Item): boolean {
  if (ike!.version === 2) return ike!.byInitiator;
  const first = [...facts.ike.values()].find((other) => other.ike!.sa === ike!.sa);
  const [own, theirs] = [sightings[0]!, first!.sightings[0]!];
  return /^0+$/.test(ike!.responderSpi) || own.from.address === theirs.from.address || (own.place === theirs.place && own.from.address !== theirs.to.address);
}

function natsIn(facts: Facts): SeenNat[] {
  return [...facts.ike.values()].flatMap((item) =>
    item.ike!.detections.flatMap(({ place, frame, source, destination }): SeenNat[] => {
      const [sender, receiver] = byInitiator(facts, item) ? (['initiator', 'responder'] as const) : (['responder', 'initiator'] as const);
      const { sa } = item.ike!;
      return [...(source ? [] : [{ inFrontOf: sender, sa, place, frame }]), ...(destination ? [] : [{ inFrontOf: receiver, sa, place, frame }])];
    }),
  );
}
