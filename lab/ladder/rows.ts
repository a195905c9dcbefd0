/** The ladder of an act: its steps, its messages, what happened beside them. What repeats itself is folded. */
import type { TraceEvent } from '../../src/trace/events.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { inFull } from '../report/sentence.ts';
import type { Family, Journey, Journeys } from './journey.ts';

export type Row =
  | { readonly kind: 'step'; readonly first: number; readonly last: number; readonly at: number; readonly event: EventOf<'step'> }
  | { readonly kind: 'message'; readonly first: number; readonly last: number; readonly at: number; readonly journey: Journey }
  | { readonly kind: 'note'; readonly first: number; readonly last: number; readonly at: number; readonly event: TraceEvent; readonly text: string }
  | { readonly kind: 'fold'; readonly first: number; readonly last: number; readonly at: number; readonly family: Family; readonly rows: readonly MessageRow[] };

export type MessageRow = Extract<Row, { kind: 'message' }>;
export type SingleRow = Exclude<Row, { kind: 'fold' }>;

/** How many of a kind stand in a row before they are folded; keepalives, which all say the same, at once. */
const foldFrom: Readonly<Record<Family, number>> = { keepalive: 2, esp: 7, other: 7, ike: Infinity };

/** By the number of their first event. */
export const rowsOf = (trace: Trace, journeys: Journeys): readonly Row[] => folded(singleRows(trace, journeys));

/** The same, nothing folded. */
export function singleRows(trace: Trace, journeys: Journeys): readonly SingleRow[] {
  const rows: SingleRow[] = journeys.all.map((journey): SingleRow => ({ kind: 'message', first: firstOf(journey), last: lastOf(journey), at: journey.sightings[0]!.at, journey }));
  for (const event of trace.events) {
    const { seq: first, at, body } = event;
    if (body.kind === 'packet' || body.kind === 'ike-message' || journeys.of(first) !== undefined) continue;
    if (body.kind === 'step') rows.push({ kind: 'step', first, last: first, at, event: event as EventOf<'step'> });
    else {
      const text = noteOf(event);
      if (text !== undefined) rows.push({ kind: 'note', first, last: first, at, event, text });
    }
  }
  return rows.sort((one, other) => one.first - other.first);
}

/** What a learner should hear of an event; what a row of its own already tells is not said again. */
export function noteOf(event: TraceEvent): string | undefined {
  switch (event.body.kind) {
    case 'ike-message':
    case 'keepalive-sent':
    case 'step':
      return undefined;
    default:
      return inFull(event);
  }
}

/** The number of its first event. */
export const firstOf = ({ message, piece, sightings }: Journey): number => Math.min(sightings[0]!.seq, message?.body.direction === 'sent' && piece === undefined ? message.seq : Infinity);
const lastOf = ({ sightings, led }: Journey): number => Math.max(sightings.at(-1)!.seq, led.at(-1)?.seq ?? 0);

/** Says nothing but that it went its way. */
export const isPlain = ({ journey: { loss, led } }: MessageRow): boolean => loss === undefined && led.every((event) => noteOf(event) === undefined);

function folded(rows: readonly SingleRow[]): readonly Row[] {
  const result: Row[] = [];
  for (let i = 0; i < rows.length; ) {
    const run = runAt(rows, i);
    const [head] = run;
    if (head !== undefined && run.length >= foldFrom[head.journey.family]) {
      result.push({ kind: 'fold', first: head.first, last: Math.max(...run.slice(-8).map(({ last }) => last)), at: head.at, family: head.journey.family, rows: run });
      i += run.length;
    } else {
      const step = Math.max(1, run.length);
      result.push(...rows.slice(i, i + step));
      i += step;
    }
  }
  return result;
}

/** Plain messages of one family from `start` on. */
function runAt(rows: readonly SingleRow[], start: number): readonly MessageRow[] {
  const run: MessageRow[] = [];
  for (const row of rows.slice(start, start + 1)) if (row.kind !== 'message' || !isPlain(row)) return [];
  for (let i = start; i < rows.length; i++) {
    const row = rows[i]!;
    if (row.kind !== 'message' || row.journey.family !== (run[0] ?? row).journey.family || !isPlain(row)) break;
    run.push(row);
  }
  return run;
}
