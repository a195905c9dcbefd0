/** What stood in the boxes' tables at a moment, as their events tell. */
import { sameEndpoint } from '../../../../src/core/address.ts';
import type { Mapping } from '../../../../src/core/events.ts';
import type { TraceEvent } from '../../../../src/trace/events.ts';
import type { EventOf, Trace } from '../../../../src/trace/trace.ts';
import type { Journeys } from '../../../ladder/journey.ts';

export interface TableRow {
  readonly box: string;
  readonly mapping: Mapping;
  /** When it was made, or first shown. */
  readonly since: number;
  /** When a packet of its went through last; undefined where none was seen. */
  readonly used?: number;
  readonly key: string;
}

type Change = EventOf<'mapping-created' | 'mapping-expired' | 'mapping-removed' | 'table'>;

export class NatTables {
  readonly #changes: readonly Change[];
  /** When packets went through, in order, by row. */
  readonly #uses = new Map<string, number[]>();

  constructor(trace: Trace, journeys: Journeys) {
    this.#changes = trace.events.filter(isChange);
    for (const journey of journeys.all) {
      for (const sighting of journey.sightings) {
        const seen = journeys.seen(sighting);
        if (seen === undefined || sighting.body.direction !== 'out') continue;
        // what left a box by its outside has the row's outside as its source; what came back left by the inside, and had it as its destination before
        const before = journeys.seen(journey.sightings[journey.sightings.indexOf(sighting) - 1] ?? sighting) ?? seen;
        this.#use(`${sighting.node} ${ends(seen.from, seen.to)}`, sighting.at);
        this.#use(`${sighting.node} ${ends(before.to, before.from)}`, sighting.at);
      }
    }
  }

  /** The rows after event `seq`, the oldest first. */
  at(seq: number, now: number): readonly TableRow[] {
    const rows = new Map<string, { box: string; mapping: Mapping; since: number }>();
    for (const { seq: number, at, node, body } of this.#changes) {
      if (number > seq) break;
      if (body.kind === 'table') {
        const keys = new Set(body.mappings.map((mapping) => keyOf(body.box, mapping)));
        for (const [key, { box }] of rows) if (box === body.box && !keys.has(key)) rows.delete(key);
        for (const mapping of body.mappings) {
          const key = keyOf(body.box, mapping);
          if (!rows.has(key)) rows.set(key, { box: body.box, mapping, since: at });
        }
      } else if (body.kind === 'mapping-created') rows.set(keyOf(node, body.mapping), { box: node, mapping: body.mapping, since: at });
      else rows.delete(keyOf(node, body.mapping));
    }
    return Array.from(rows, ([key, row]) => {
      const used = this.#lastUse(`${row.box} ${ends(row.mapping.outside, row.mapping.remote)}`, now);
      return { ...row, key, ...(used !== undefined && { used }) };
    });
  }

  #use(key: string, at: number): void {
    const times = this.#uses.get(key);
    if (times === undefined) this.#uses.set(key, [at]);
    else if (times.at(-1)! < at) times.push(at);
  }

  #lastUse(key: string, now: number): number | undefined {
    const times = this.#uses.get(key) ?? [];
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]! <= now) low = middle + 1;
      else high = middle;
    }
    return times[low - 1];
  }
}

const isChange = (event: TraceEvent): event is Change => event.body.kind === 'mapping-created' || event.body.kind === 'mapping-expired' || event.body.kind === 'mapping-removed' || event.body.kind === 'table';

const ends = (one: Mapping['outside'], other: Mapping['remote']): string => `${one.address} ${one.port} ${other.address} ${other.port}`;

export const keyOf = (box: string, { protocol, inside, outside, remote }: Mapping): string => `${box} ${protocol} ${ends(inside, outside)} ${remote.address} ${remote.port}`;

/** Where the box kept the port, and where it gave another. */
export const keptPort = ({ inside, outside }: Mapping): boolean => inside.port === outside.port && !sameEndpoint(inside, outside);
