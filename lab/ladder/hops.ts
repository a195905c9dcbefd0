/** A packet's way as arrows: link by link, with the addresses and ports that it had on each. */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Endpoint } from '../../src/core/address.ts';
import type { Journey, Journeys } from './journey.ts';
import { laneOf } from './lanes.ts';
import type { Lane } from './lanes.ts';

/** A stretch of a packet's way, from lane to lane. */
export interface Hop {
  readonly from: number;
  readonly to: number;
  /** As the packet has them on this stretch; undefined of octets that nobody can read. */
  readonly ends?: { readonly from: Endpoint; readonly to: Endpoint };
  /** `gone`: nobody has seen it arrive. */
  readonly end: 'arrived' | 'gone' | 'dropped';
}

/** What ends at a box ends before its time, whether the box says so or not. Nodes without a lane are passed over. What came in without having been seen to leave comes from where it was last. */
export function hopsOf({ sightings, loss, family, piece }: Journey, lanes: readonly Pick<Lane, 'nodes'>[], journeys: Journeys): readonly Hop[] {
  const laned = sightings.map((event) => laneOf(lanes, event.node));
  const isLost = loss !== undefined || (family !== 'other' && lanes[laned.at(-1)!]?.nodes[0]?.kind === 'nat');
  // of a packet that IP cuts up only the first piece has ports
  const portless = (end: Endpoint): Endpoint => (piece === 'last piece' ? { ...end, port: 0 } : end);
  return sightings.flatMap((event, i): readonly Hop[] => {
    const from = laned[i]!;
    if (from < 0) return [];
    const ends = journeys.seen(event);
    const next = sightings.findIndex((one, j) => j > i && one.body.direction === 'in' && laned[j]! >= 0);
    const isLast = next < 0 || next === sightings.length - 1;
    const hop = (to: number, end: Hop['end']): readonly Hop[] => [{ from, to, ...(ends !== undefined && { ends: { from: portless(ends.from), to: portless(ends.to) } }), end }];
    if (event.body.direction === 'in') return i === 0 ? hop(from, !isLost || sightings.length > 1 ? 'arrived' : 'dropped') : [];
    if (next >= 0) return hop(laned[next]!, isLast && isLost ? 'dropped' : 'arrived');
    return i === sightings.length - 1 || loss !== undefined ? hop(from, 'gone') : [];
  });
}

/** `500 → 4500`; empty where there are no ports. */
export const portsOf = ({ ends }: Hop): string => (ends === undefined || ends.from.port === 0 ? '' : `${ends.from.port} → ${ends.to.port}`);

/** `192.168.1.10:500 to 203.0.113.2:500`, or the addresses alone. */
export const saidOf = ({ ends }: Hop): string => (ends === undefined ? '' : ends.from.port === 0 ? `${ends.from.address} to ${ends.to.address}` : `${describeEndpoint(ends.from)} to ${describeEndpoint(ends.to)}`);
