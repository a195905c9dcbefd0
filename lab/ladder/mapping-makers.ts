/** Which packet made a mapping, where the box does not say: the kernel tells of its table by itself, a little late, and of no packet. */
import type { Mapping } from '../../src/core/events.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import type { Seen } from '../checks/wire.ts';

/** In milliseconds: how late the table's events and the packets' may be to each other. The shortest lifetime of a mapping is many times as long. */
const lateness = 5000;

/** A packet on its way, as far as it matters here. */
interface Way {
  readonly sightings: readonly EventOf<'packet'>[];
}

interface Passage<Journey> {
  readonly event: TraceEvent;
  readonly journey: Journey;
}

/**
 * A mapping comes about when the first packet that needs it leaves the box: the first since one like it went, which came from the mapping's inside, left
 * from its outside, and goes to its peer. Only for events that have no cause, and for protocols that are told apart by addresses and ports.
 */
export function mappingMakers<Journey extends Way>(trace: Trace, journeys: readonly Journey[], seen: ReadonlyMap<number, Seen>): ReadonlyMap<EventOf<'mapping-created'>, Journey> {
  const orphans = trace.of('mapping-created').filter(({ cause }) => cause === undefined);
  if (orphans.length === 0) return new Map();
  const passages = passagesThrough(new Set(orphans.map(({ node }) => node)), journeys, seen);
  const ends = new Map<string, TraceEvent>();
  const makers = new Map<EventOf<'mapping-created'>, Journey>();
  for (const event of trace.events) {
    const { body, node } = event;
    if (body.kind === 'mapping-expired' || body.kind === 'mapping-removed') ends.set(keyOfMapping(node, body.mapping), event);
    if (body.kind !== 'mapping-created' || event.cause !== undefined) continue;
    const key = keyOfMapping(node, body.mapping);
    const maker = makerAmong(passages.get(key) ?? [], event, ends.get(key));
    if (maker !== undefined) makers.set(event as EventOf<'mapping-created'>, maker.journey);
  }
  return makers;
}

function makerAmong<Journey>(passages: readonly Passage<Journey>[], { seq, at }: TraceEvent, end: TraceEvent | undefined): Passage<Journey> | undefined {
  const since = passages.find(({ event }) => event.seq > (end?.seq ?? -1) && event.seq < seq);
  if (since !== undefined) return since;
  // A packet can come across an entry whose time is over, and is recorded before its end; and it can be recorded behind what it made.
  const [before, behind] = [passages.findLast(({ event }) => event.seq < seq), passages.find(({ event }) => event.seq > seq)];
  const distance = (one: Passage<Journey> | undefined): number => (one === undefined ? Infinity : Math.abs(one.event.at - at));
  const nearest = distance(behind) < distance(before) ? behind : before;
  return distance(nearest) <= lateness ? nearest : undefined;
}

/** By what a mapping of them would be, in the order in which they came in. */
function passagesThrough<Journey extends Way>(boxes: ReadonlySet<string>, journeys: readonly Journey[], seen: ReadonlyMap<number, Seen>): ReadonlyMap<string, readonly Passage<Journey>[]> {
  const passages = new Map<string, Passage<Journey>[]>();
  for (const journey of journeys) {
    for (const [i, event] of journey.sightings.entries()) {
      const next = journey.sightings[i + 1];
      if (event.body.direction !== 'in' || next?.node !== event.node || !boxes.has(event.node)) continue;
      const [before, after] = [seen.get(event.seq), seen.get(next.seq)];
      if (before === undefined || after === undefined) continue;
      const key = keyOf(event.node, before.from, after.from, after.to);
      const others = passages.get(key);
      if (others === undefined) passages.set(key, [{ event, journey }]);
      else others.push({ event, journey });
    }
  }
  for (const all of passages.values()) all.sort((one, other) => one.event.seq - other.event.seq);
  return passages;
}

type Ends = readonly [inside: Mapping['inside'], outside: Mapping['outside'], remote: Mapping['remote']];
const keyOf = (node: string, ...ends: Ends): string => [node, ...ends.map(({ address, port }) => `${address} ${port}`)].join(' ');
const keyOfMapping = (node: string, { inside, outside, remote }: Mapping): string => keyOf(node, inside, outside, remote);
