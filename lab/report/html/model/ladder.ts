/** The ladder of an act: its steps, its messages, what happened beside them. What repeats itself is folded. */
import type { TraceEvent } from '../../../../src/trace/events.ts';
import type { EventOf, Trace } from '../../../../src/trace/trace.ts';
import { inFull } from '../../sentence.ts';
import type { Family, Journey, Journeys } from './journey.ts';

export type Row =
  | { readonly kind: 'step'; readonly first: number; readonly last: number; readonly at: number; readonly event: EventOf<'step'> }
  | { readonly kind: 'message'; readonly first: number; readonly last: number; readonly at: number; readonly journey: Journey }
  | { readonly kind: 'note'; readonly first: number; readonly last: number; readonly at: number; readonly event: TraceEvent; readonly text: string }
  | { readonly kind: 'fold'; readonly first: number; readonly last: number; readonly at: number; readonly family: Family; readonly rows: readonly MessageRow[] };

export type MessageRow = Extract<Row, { kind: 'message' }>;

/** How many of a kind stand in a row before they are folded; keepalives, which all say the same, at once. */
const foldFrom: Readonly<Record<Family, number>> = { keepalive: 2, esp: 7, other: 7, ike: Infinity };

/** By the number of their first event. */
export function rowsOf(trace: Trace, journeys: Journeys): readonly Row[] {
  const rows: Row[] = journeys.all.map((journey): Row => ({ kind: 'message', first: firstOf(journey), last: lastOf(journey), at: journey.sightings[0]!.at, journey }));
  for (const event of trace.events) {
    const { seq: first, at, body } = event;
    if (body.kind === 'packet' || body.kind === 'ike-message' || journeys.of(first) !== undefined) continue;
    if (body.kind === 'step') rows.push({ kind: 'step', first, last: first, at, event: event as EventOf<'step'> });
    else {
      const text = noteOf(event);
      if (text !== undefined) rows.push({ kind: 'note', first, last: first, at, event, text });
    }
  }
  return folded(rows.sort((one, other) => one.first - other.first));
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

const firstOf = ({ message, sightings }: Journey): number => Math.min(sightings[0]!.seq, message?.body.direction === 'sent' ? message.seq : Infinity);
const lastOf = ({ sightings, led }: Journey): number => Math.max(sightings.at(-1)!.seq, led.at(-1)?.seq ?? 0);

/** Says nothing but that it went its way. */
const isPlain = ({ journey: { loss, led } }: MessageRow): boolean => loss === undefined && led.every((event) => noteOf(event) === undefined);

function folded(rows: readonly Row[]): readonly Row[] {
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
function runAt(rows: readonly Row[], start: number): readonly MessageRow[] {
  const run: MessageRow[] = [];
  for (const row of rows.slice(start, start + 1)) if (row.kind !== 'message' || !isPlain(row)) return [];
  for (let i = start; i < rows.length; i++) {
    const row = rows[i]!;
    if (row.kind !== 'message' || row.journey.family !== (run[0] ?? row).journey.family || !isPlain(row)) break;
    run.push(row);
  }
  return run;
}

export interface Filter {
  readonly families: ReadonlySet<Family>;
  /** Only what was dropped or lost on its way. */
  readonly dropsOnly: boolean;
  /** Folds that were opened, by the number of their first event. */
  readonly open: ReadonlySet<number>;
}

export const everything: Filter = { families: new Set<Family>(['ike', 'esp', 'keepalive', 'other']), dropsOnly: false, open: new Set() };

/** A row that is on show; `inFold`: of an opened fold, the first of which stays as its heading. */
export interface Shown {
  readonly row: Row;
  readonly inFold: boolean;
}

export function shownRows(rows: readonly Row[], { families, dropsOnly, open }: Filter): readonly Shown[] {
  return rows.flatMap((row): readonly Shown[] => {
    if (row.kind === 'message') return families.has(row.journey.family) && (!dropsOnly || row.journey.loss !== undefined) ? [{ row, inFold: false }] : [];
    if (row.kind === 'note') return !dropsOnly || row.event.body.kind === 'drop' || row.event.body.kind === 'impaired' ? [{ row, inFold: false }] : [];
    if (row.kind === 'step') return [{ row, inFold: false }];
    if (dropsOnly || !families.has(row.family)) return [];
    return open.has(row.first) ? [{ row, inFold: false }, ...row.rows.map((one) => ({ row: one, inFold: true }))] : [{ row, inFold: false }];
  });
}

/** The row on show that an event belongs to, or the last one before it. */
export function rowAt(shown: readonly Shown[], seq: number, journeys: Journeys): number {
  const journey = journeys.of(seq);
  const wanted = journey === undefined ? seq : firstOf(journey);
  let low = 0;
  let high = shown.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (shown[middle]!.row.first <= wanted) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

/** What has happened when the row is over: rows overlap, and what was seen once stays seen. */
export const momentOf = (shown: readonly Shown[], index: number): number => shown.slice(Math.max(0, index - 64), index + 1).reduce((latest, { row }) => Math.max(latest, row.last), 0);
