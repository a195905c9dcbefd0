/** Tells an act as it happens: one line an event that a learner should see, keepalives folded, everything else left to the trace. */
import type { Mapping } from '../../src/core/events.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import { inBrief, inFull } from './sentence.ts';
import { tableRows } from './table-rows.ts';
import type { Teacher } from './teacher.ts';
import type { Theme } from './theme.ts';
import { column, wrap } from './text.ts';

export interface NarratorOptions {
  readonly theme: Theme;
  readonly width: number;
  readonly write: (line: string) => void;
  /** Only the steps of the story and what the boxes' tables held, not the messages. */
  readonly brief: boolean;
  /** Adds what a teacher would. */
  readonly teacher?: Teacher | undefined;
}

const margin = '    ';
const timeColumn = 12;
const nodeColumn = 9;

export class Narrator {
  readonly #options: NarratorOptions;
  #keepalives: { readonly node: string; count: number; readonly first: TraceEvent } | undefined;

  constructor(options: NarratorOptions) {
    this.#options = options;
  }

  readonly tell = (event: TraceEvent): void => {
    if (event.body.kind === 'keepalive-sent') {
      this.#aside(event);
      if (this.#keepalives?.node === event.node) this.#keepalives.count++;
      else {
        this.finish();
        this.#keepalives = { node: event.node, count: 1, first: event };
      }
      return;
    }
    const text = this.#options.brief ? inBrief(event) : inFull(event);
    if (text === undefined) return;
    this.finish();
    this.#line(event, text);
    this.#aside(event);
    if (event.body.kind === 'table') this.#table(event.body.mappings);
  };

  /** Says what was folded and not yet said. */
  finish(): void {
    const folded = this.#keepalives;
    this.#keepalives = undefined;
    if (folded === undefined || this.#options.brief) return;
    this.#line(folded.first, folded.count === 1 ? 'keepalive: one octet 0xFF' : `${folded.count} keepalives of one octet 0xFF, the first of them now`);
  }

  /** A narrow terminal has no room for the columns: time and name stand on a line of their own. */
  get #isNarrow(): boolean {
    return this.#options.width < 72;
  }

  get #indent(): string {
    return ' '.repeat(this.#isNarrow ? margin.length + 2 : margin.length + timeColumn + nodeColumn);
  }

  /** Rows stand further out than the text, for they are long. */
  #table(mappings: readonly Mapping[]): void {
    const { theme, width, write } = this.#options;
    const indent = ' '.repeat(margin.length + 4);
    for (const row of tableRows(mappings, width - indent.length)) row.forEach((line, i) => write(`${indent}${i === 0 ? '' : '  '}${theme.faint(line)}`));
  }

  /** Between the lines of the story, marked as no part of it. */
  #aside(event: TraceEvent): void {
    const { theme, width, write, teacher } = this.#options;
    const added = teacher?.adds(event);
    if (added === undefined) return;
    const indent = `${this.#indent}│ `;
    wrap(added, width - indent.length).split('\n').forEach((line) => write(theme.faint(`${indent}${line}`)));
  }

  #line({ at, node, body }: TraceEvent, text: string): void {
    const { theme, width, write } = this.#options;
    const head = `${margin}${column(seconds(at), timeColumn)}${theme.node(column(`${node} `, nodeColumn))}`;
    const indent = this.#indent;
    const wrapped = wrap(text, width - indent.length).split('\n');
    if (this.#isNarrow) write(head.trimEnd());
    const tone = body.kind === 'step' ? theme.strong : doubtful.has(body.kind) ? theme.doubt : (plain: string) => plain;
    wrapped.forEach((line, i) => write(`${i === 0 && !this.#isNarrow ? head : indent}${tone(line)}`));
  }
}

const doubtful: ReadonlySet<TraceEvent['body']['kind']> = new Set(['drop', 'ping-lost', 'udp-echo-lost', 'tcp-probe-lost', 'l2tp-lost', 'sa-eclipsed'] as const);

const seconds = (at: number): string => `${(at / 1000).toFixed(3).padStart(8)} s`;
