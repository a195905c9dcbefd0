/** What of the ladder is on show: filters, opened folds, and the row that an event belongs to. */
import { firstOf } from '../../../ladder/rows.ts';
import type { Row } from '../../../ladder/rows.ts';
import type { Family, Journeys } from '../../../ladder/journey.ts';

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
