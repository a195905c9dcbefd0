/** The facts as findings ask for them: who is behind a NAT, how far something came, who else was served. */
import type { Facts, Item, Sighting } from './facts.ts';
import { originOf, questionsIn } from './questions.ts';
import type { Question, Served } from './questions.ts';

/** A NAT that a hash gives away: in front of whom, and the message that shows it. */
export interface SeenNat {
  readonly inFrontOf: 'initiator' | 'responder';
  readonly sa: string;
  readonly place: string;
  readonly frame: number;
}

export class View {
  readonly facts: Facts;
  /** What is open and not yet explained. */
  readonly open: readonly Question[];
  readonly served: readonly Served[];
  readonly nats: readonly SeenNat[];
  readonly #forwarding: ReadonlySet<string>;
  readonly #speaking: ReadonlySet<string>;
  readonly #beginning: ReadonlySet<string>;

  constructor(facts: Facts, from?: View, open?: readonly Question[]) {
    this.facts = facts;
    if (from !== undefined) {
      [this.open, this.served, this.nats] = [open!, from.served, from.nats];
      [this.#forwarding, this.#speaking, this.#beginning] = [from.#forwarding, from.#speaking, from.#beginning];
      return;
    }
    const questions = questionsIn(facts);
    [this.open, this.served] = [questions.open, questions.served];
    this.nats = natsIn(facts);
    const items = this.items;
    this.#forwarding = new Set(items.flatMap(({ sightings }) => sightings.map(({ place }) => nodeOf(place)).filter((node, i, all) => all.indexOf(node) !== i)));
    this.#beginning = new Set([...new Map(this.messages.map((item) => [item.ike!.sa, item]).reverse() as [string, Item][]).values()].map((item) => `${originOf(item).place} ${originOf(item).from.address}`));
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

  /** Whether it has come to whom it was for, as far as this capture can tell. */
  reached({ last, origin }: Question): boolean {
    if (last.direction === 'out' || this.#forwarding.has(nodeOf(last.place)) || last.place === origin.place) return false;
    return this.#speaking.has(last.place) || isTranslated(origin, last);
  }

  /** Whether it was seen to go into something on the way, and not out of it. */
  swallowed(question: Question): boolean {
    return question.last.place !== question.origin.place && !this.reached(question);
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

const isTranslated = (before: Sighting, after: Sighting): boolean => before.from.address !== after.from.address || before.from.port !== after.from.port || before.to.address !== after.to.address;

/** `box eth0`: the interfaces of one machine share the first word. */
const nodeOf = (place: string): string => (place.includes(' ') ? place.split(' ')[0]! : place);

/** Whether this message of an SA is by who began it. IKEv1 does not say: the first one that was seen is by the initiator. */
export function byInitiator(facts: Facts, { ike, sightings }: Item): boolean {
  if (ike!.version === 2) return ike!.byInitiator;
  const first = [...facts.ike.values()].find((other) => other.ike!.sa === ike!.sa);
  const [own, theirs] = [sightings[0]!, first!.sightings[0]!];
  return /^0+$/.test(ike!.responderSpi) || own.from.address === theirs.from.address;
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
