/** A ladder that grows with its trace: what is new of it, drawn once. */
import type { Trace } from '../../../src/trace/trace.ts';
import { journeysOf } from '../../ladder/journey.ts';
import type { Journeys } from '../../ladder/journey.ts';
import type { Network } from '../../ladder/network.ts';
import { singleRows } from '../../ladder/rows.ts';
import type { SingleRow } from '../../ladder/rows.ts';
import type { Teacher } from '../teacher.ts';
import type { Theme } from '../theme.ts';
import { columnsOf } from './columns.ts';
import type { Columns } from './columns.ts';
import { Drawing } from './drawing.ts';
import { Crowd, mayGrow, together } from './told.ts';
import type { Told } from './told.ts';

export interface LadderOptions {
  readonly theme: Theme;
  readonly width: number;
  /** Adds what a teacher would. */
  readonly teacher?: Teacher | undefined;
}

/** The lines of something that is told in one breath. */
export type Piece = readonly string[];

/** The heads are drawn again at the first step after so many lines. */
const page = 40;

export class GrowingLadder {
  readonly #options: LadderOptions;
  readonly #trace: Trace;
  readonly #network: Network;
  readonly #columns: Columns;
  readonly #told = new Set<string>();
  #crowd: SingleRow[] = [];
  #until: number;
  #sinceHeads = Infinity;

  /** `after`: the event behind which it begins. */
  constructor(trace: Trace, network: Network, options: LadderOptions, after = -1) {
    [this.#trace, this.#network, this.#options, this.#until] = [trace, network, options, after];
    this.#columns = columnsOf(network, options.width);
  }

  /** The number of the event up to which all rows that begin there have been drawn. */
  get until(): number {
    return this.#until;
  }

  /** The rows that have not been drawn, up to the first that is not done. `more`: others follow before this chapter is over. */
  grow(isDone: (row: SingleRow) => boolean, more: boolean): readonly Piece[] {
    const { rows, crowd, journeys } = this.#rows();
    const open = rows.findIndex((row) => !isDone(row));
    const done = rows.slice(0, open < 0 ? rows.length : open);
    // what may become part of a fold waits for what comes after it
    while (more && done.length > 0 && mayGrow(done.at(-1)!)) done.pop();
    this.#until = done.at(-1)?.first ?? this.#until;
    const drawing = this.#drawing(journeys, this.#told, this.#options.teacher);
    return [...this.#chapters(done, crowd), ...(more ? [] : this.#ofCrowd())].map((told) => {
      const heads = this.#sinceHeads === Infinity ? drawing.heads() : told.kind === 'step' && this.#sinceHeads >= page ? ['', ...drawing.heads()] : [];
      if (heads.length > 0) this.#sinceHeads = 0;
      const lines = [...heads, ...drawing.of(told)];
      this.#sinceHeads += lines.length;
      return lines;
    });
  }

  /** What has not been drawn, as it looks now. */
  open(): Piece {
    const { rows, crowd, journeys } = this.#rows();
    const drawing = this.#drawing(journeys, new Set(this.#told));
    return together(rows.filter((row) => !crowd.has(row))).flatMap((told) => drawing.of(told));
  }

  #rows(): { readonly rows: readonly SingleRow[]; readonly crowd: Crowd; readonly journeys: Journeys } {
    const journeys = journeysOf(this.#trace, this.#network.nodes);
    return { journeys, rows: singleRows(this.#trace, journeys).filter(({ first }) => first > this.#until), crowd: new Crowd(this.#trace, this.#network, this.#columns.hidden) };
  }

  #drawing(journeys: Journeys, told: Set<string>, teacher?: Teacher): Drawing {
    return new Drawing({ columns: this.#columns, theme: this.#options.theme, trace: this.#trace, journeys, told, teacher });
  }

  /** Each begins with a step, before which the crowd of the one before is told. */
  #chapters(rows: readonly SingleRow[], crowd: Crowd): readonly Told[] {
    const told: Told[] = [];
    let chapter: SingleRow[] = [];
    for (const row of rows) {
      if (row.kind === 'step') {
        told.push(...together(chapter), ...this.#ofCrowd(), row);
        chapter = [];
      } else (crowd.has(row) ? this.#crowd : chapter).push(row);
    }
    return [...told, ...together(chapter)];
  }

  #ofCrowd(): readonly Told[] {
    const rows = this.#crowd;
    this.#crowd = [];
    return rows.length === 0 ? [] : [{ kind: 'crowd', rows }];
  }
}
