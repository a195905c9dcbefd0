/** A packet's way as arrows: link by link, with the ports that it had on each. */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Journey, Journeys, PacketEvent } from './journey.ts';
import { laneOf } from './lanes.ts';
import type { Lane } from './lanes.ts';

/** A link on a packet's way, from lane to lane. */
export interface Hop {
  readonly from: number;
  readonly to: number;
  /** `500 → 4500`, or addresses where there are no ports. */
  readonly ports: string;
  readonly said: string;
  readonly end: 'arrived' | 'gone' | 'dropped';
}

/** Link by link; what came in without having been seen to leave comes from where it was last. */
export function hopsOf({ sightings, loss }: Journey, lanes: readonly Lane[], journeys: Journeys): readonly Hop[] {
  const hops: Hop[] = [];
  const say = (event: PacketEvent): readonly [string, string] => {
    const seen = journeys.seen(event);
    if (seen === undefined) return ['', ''];
    return [seen.from.port === 0 ? '' : `${seen.from.port} → ${seen.to.port}`, seen.from.port === 0 ? `${seen.from.address} to ${seen.to.address}` : `${describeEndpoint(seen.from)} to ${describeEndpoint(seen.to)}`];
  };
  for (const [i, event] of sightings.entries()) {
    const from = laneOf(lanes, event.node);
    const [ports, said] = say(event);
    const next = sightings[i + 1];
    const isLast = next === undefined || i + 2 >= sightings.length;
    if (event.body.direction === 'out') {
      const to = next === undefined ? from : laneOf(lanes, next.node);
      hops.push({ from, to, ports, said, end: next === undefined ? 'gone' : isLast && loss !== undefined ? 'dropped' : 'arrived' });
    } else if (i === 0) hops.push({ from, to: from, ports, said, end: loss === undefined ? 'arrived' : 'dropped' });
  }
  return hops.filter(({ from, to }) => from >= 0 && to >= 0);
}
