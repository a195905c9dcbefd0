/** A packet on its way: all the places where it was seen, whatever boxes made of it between them, and what came of it. */
import { sameBytes } from '../../src/core/bytes.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { seenAnywhere } from '../checks/wire.ts';
import type { Seen } from '../checks/wire.ts';
import { mappingMakers } from './mapping-makers.ts';
import type { NetworkNode } from './network.ts';

export type PacketEvent = EventOf<'packet'>;
export type Family = 'ike' | 'esp' | 'keepalive' | 'other';

export interface Journey {
  /** In order: where it left, where it came in, where it left again. */
  readonly sightings: PacketEvent[];
  readonly family: Family;
  /** What the daemon said that it is. */
  message?: EventOf<'ike-message'>;
  /** Of a message that is cut up, which part it is: `piece 2 of 3` where IKE did it, `last piece` where IP did. */
  piece?: string;
  /** What ESP carries. */
  inner?: EventOf<'inner'>;
  /** Where it ended before its time. */
  loss?: EventOf<'drop'> | EventOf<'impaired'>;
  /** What happened because of it, at whatever node. */
  readonly led: TraceEvent[];
}

export interface Journeys {
  readonly all: readonly Journey[];
  /** The journey that an event belongs to: a sighting, or what happened because of one. */
  of(seq: number): Journey | undefined;
  /** A packet taken apart, as far as that is possible. */
  seen(event: PacketEvent): Seen | undefined;
}

/** How many packets a node may hold back before it passes one on, and how many of the daemon's messages may be on their way to its socket. */
const held = 64;

/**
 * Packets are followed by the events' causes; where a backend does not know them, by their octets: on a link nothing changes, and a box leaves alone what
 * UDP or IP carries. What the kernel's table tells is put to the packets that it must be of.
 */
export function journeysOf(trace: Trace, nodes: readonly NetworkNode[]): Journeys {
  const seen = new Map(seenAnywhere(trace).map((one) => [one.seq, one] as const));
  const endpoints = new Set(nodes.filter(({ kind }) => kind === 'client' || kind === 'gateway' || kind === 'host').map(({ name }) => name));
  const all: Journey[] = [];
  const bySeq = new Map<number, Journey>();
  const onLink = new Recent();
  const inNode = new Recent();
  const said = new Map<string, EventOf<'ike-message'>[]>();
  const pieces = new Map<EventOf<'ike-message'>, number>();
  const wrapped = new Map<string, EventOf<'inner'>>();
  const absorbed = new Set<Journey>();

  const begin = (event: PacketEvent): Journey => {
    const journey: Journey = { sightings: [event], family: familyOf(seen.get(event.seq)), led: [] };
    all.push(journey);
    if (event.body.direction === 'in') return journey;
    const message = takeMessage(said.get(event.node), seen.get(event.seq));
    if (message) takePiece(journey, message);
    const inner = journey.family === 'esp' ? wrapped.get(event.node) : undefined;
    if (inner) journey.inner = inner;
    wrapped.delete(event.node);
    return journey;
  };
  const takePiece = (journey: Journey, message: EventOf<'ike-message'>): void => {
    const { fragments = 1 } = message.body;
    const nth = (pieces.get(message) ?? 0) + 1;
    journey.message = message;
    if (fragments > 1) journey.piece = `piece ${nth} of ${fragments}`;
    else if (seen.get(journey.sightings[0]!.seq)!.bytes !== journey.sightings[0]!.body.bytes) journey.piece = 'last piece';
    pieces.set(message, nth);
    if (nth < fragments) said.get(message.node)!.push(message);
  };
  const goesOn = (journey: Journey, event: PacketEvent): boolean => {
    const last = journey.sightings.at(-1)!;
    if (event.body.direction === 'in') return last.body.direction === 'out' && last.body.segment === event.body.segment && last.node !== event.node && sameBytes(last.body.bytes, event.body.bytes);
    if (last.body.direction !== 'in' || last.node !== event.node) return false;
    const [before, now] = [seen.get(last.seq), seen.get(event.seq)];
    if (before !== undefined && now !== undefined && sameBytes(before.payload, now.payload)) return true;
    // a helper changes what it passes on; what a box says of its own is of another protocol
    return event.cause === last.seq && !endpoints.has(event.node) && familyOf(before) === familyOf(now);
  };
  const follow = (event: PacketEvent): Journey => {
    const cause = event.cause === undefined ? undefined : bySeq.get(event.cause);
    if (cause !== undefined && goesOn(cause, event)) return cause;
    const places = event.body.direction === 'in' ? onLink.at(event.body.segment) : inNode.at(event.node);
    return places.find((journey) => goesOn(journey, event)) ?? begin(event);
  };

  for (const event of trace.events) {
    const { body } = event;
    if (body.kind === 'packet') {
      const packet = event as PacketEvent;
      const journey = follow(packet);
      if (journey.sightings.at(-1) !== packet) journey.sightings.push(packet);
      bySeq.set(event.seq, journey);
      if (body.direction === 'out') onLink.add(body.segment, journey);
      else inNode.add(event.node, journey);
      continue;
    }
    if (body.kind === 'ike-message' && body.direction === 'sent') {
      const waiting = said.get(event.node) ?? [];
      waiting.push(event as EventOf<'ike-message'>);
      said.set(event.node, waiting.slice(-held));
      continue;
    }
    if (body.kind === 'inner' && body.direction === 'protected') wrapped.set(event.node, event as EventOf<'inner'>);
    const journey = event.cause !== undefined ? bySeq.get(event.cause) : undefined;
    if (journey === undefined) {
      if (body.kind === 'impaired') lose(onLink.at(body.segment).find((one) => sameBytes(one.sightings.at(-1)!.body.bytes, body.bytes)), event as EventOf<'impaired'>);
      continue;
    }
    bySeq.set(event.seq, journey);
    if (body.kind === 'ike-message') journey.message ??= event as EventOf<'ike-message'>;
    else if (body.kind === 'inner' && body.direction === 'delivered') journey.inner ??= event as EventOf<'inner'>;
    else {
      if (body.kind === 'drop' || body.kind === 'impaired') lose(journey, event as EventOf<'drop'>);
      journey.led.push(event);
    }
  }
  const joint = joined();
  for (const [event, journey] of mappingMakers(trace, joint, seen)) {
    bySeq.set(event.seq, journey);
    journey.led.push(event);
    journey.led.sort((one, other) => one.seq - other.seq);
  }
  return { all: joint, of: (seq) => bySeq.get(seq), seen: (event) => seen.get(event.seq) };

  /** Real backends record neighbours a little out of order: a journey that begins in the middle goes on from one that ends there. */
  function joined(): readonly Journey[] {
    const tails = new Set(all.filter(({ sightings: [first] }) => first!.body.direction === 'in' || !endpoints.has(first!.node)));
    if (tails.size === 0) return all;
    for (let found = true; found; ) {
      found = false;
      for (const tail of tails) {
        const [first] = tail.sightings;
        const head = all.find((one) => one !== tail && !absorbed.has(one) && Math.abs(one.sightings.at(-1)!.seq - first!.seq) <= held && goesOn(one, first!));
        if (head === undefined) continue;
        absorb(head, tail);
        tails.delete(tail);
        found = true;
      }
    }
    return all.filter((journey) => !absorbed.has(journey));
  }

  function absorb(head: Journey, tail: Journey): void {
    absorbed.add(tail);
    for (const event of [...tail.sightings, ...tail.led]) bySeq.set(event.seq, head);
    head.sightings.push(...tail.sightings);
    head.led.push(...tail.led);
    if (tail.message !== undefined) {
      head.message ??= tail.message;
      bySeq.set(tail.message.seq, head);
    }
    if (tail.inner !== undefined) head.inner ??= tail.inner;
    if (tail.loss !== undefined) {
      head.loss ??= tail.loss;
      bySeq.set(tail.loss.seq, head);
    }
  }

  function lose(journey: Journey | undefined, event: EventOf<'drop'> | EventOf<'impaired'>): void {
    if (journey === undefined || (event.body.kind === 'drop' && event.body.reason === 'natt-keepalive')) return;
    if (event.body.kind === 'impaired' && (event.body.how === 'duplicated' || event.body.how === 'reordered')) return;
    journey.loss ??= event;
    bySeq.set(event.seq, journey);
  }
}

/** The last few journeys at a place, the newest first. */
class Recent {
  readonly #places = new Map<string, Journey[]>();

  at(place: string): readonly Journey[] {
    return this.#places.get(place) ?? [];
  }

  add(place: string, journey: Journey): void {
    const there = this.#places.get(place) ?? [];
    there.unshift(journey);
    if (there.length > held) there.pop();
    this.#places.set(place, there);
  }
}

function familyOf(seen: Seen | undefined): Family {
  switch (seen?.content.kind) {
    case 'ike':
      return 'ike';
    case 'esp':
    case 'ah':
      return 'esp';
    case 'keepalive':
      return 'keepalive';
    case 'other':
    case undefined:
      return 'other';
  }
}

/** The message that this packet is, of those that the daemon has handed out and nothing was seen of yet. */
function takeMessage(waiting: EventOf<'ike-message'>[] | undefined, seen: Seen | undefined): EventOf<'ike-message'> | undefined {
  const content = seen?.content;
  if (waiting === undefined || content?.kind !== 'ike') return undefined;
  const index = waiting.findLastIndex(({ body }) => body.initiatorSpi === content.sa && body.messageId === content.header.messageId && body.local.port === seen!.from.port);
  return index < 0 ? undefined : waiting.splice(index, 1)[0];
}
