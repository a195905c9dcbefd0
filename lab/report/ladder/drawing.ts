/** The ladder in characters: rows become lines, none of them wider than there are columns. */
import stringWidth from 'string-width';
import { describeEndpoint, sameEndpoint } from '../../../src/core/address.ts';
import type { DropEvent } from '../../../src/core/events.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import type { EventOf, Trace } from '../../../src/trace/trace.ts';
import { hopsOf } from '../../ladder/hops.ts';
import type { Hop } from '../../ladder/hops.ts';
import type { Journey, Journeys } from '../../ladder/journey.ts';
import { laneOf } from '../../ladder/lanes.ts';
import { noteOf } from '../../ladder/rows.ts';
import type { MessageRow } from '../../ladder/rows.ts';
import { titleOf } from '../../ladder/title.ts';
import { toneOf } from '../../ladder/tone.ts';
import { tableRows } from '../table-rows.ts';
import type { Teacher } from '../teacher.ts';
import { lines } from '../text.ts';
import type { Theme } from '../theme.ts';
import { arrow, labelOf } from './arrow.ts';
import { clock } from './clock.ts';
import type { Columns } from './columns.ts';
import { Line } from './line.ts';
import type { Tone } from './line.ts';
import { backgroundSummary, crowdSummary, repeatedSummary } from './summary.ts';
import type { Told } from './told.ts';

export interface DrawingOptions {
  readonly columns: Columns;
  readonly theme: Theme;
  readonly trace: Trace;
  readonly journeys: Journeys;
  /** What has been told in full, and need not be again. */
  readonly told?: Set<string>;
  /** Adds what a teacher would. */
  readonly teacher?: Teacher | undefined;
}

/** Beside a lifeline, text has this much room at the least; else it stands across the ladder. */
const besideFrom = 24;
/** Longer lines are hard to read. */
const longest = 76;

export class Drawing {
  readonly #columns: Columns;
  readonly #theme: Theme;
  readonly #trace: Trace;
  readonly #journeys: Journeys;
  readonly #teacher: Teacher | undefined;
  readonly #told: Set<string>;

  constructor({ columns, theme, trace, journeys, told = new Set(), teacher }: DrawingOptions) {
    [this.#columns, this.#theme, this.#trace, this.#journeys, this.#told, this.#teacher] = [columns, theme, trace, journeys, told, teacher];
  }

  /** Whose column is whose. */
  heads(): readonly string[] {
    const { columns, width } = this.#columns;
    const bare = { ...this.#columns, columns: [] };
    const row = (textOf: (i: number) => string, tone: Tone): string => {
      const line = new Line(bare, tone);
      for (const [i, { x }] of columns.entries()) {
        const [start, end] = [middle(columns[i - 1]?.x ?? -x, x), middle(x, columns[i + 1]?.x ?? 2 * width - x)];
        const text = shortened(textOf(i), end - start - 1);
        const size = stringWidth(text);
        line.put(Math.max(start, Math.min(end - size, x - Math.floor(size / 2))), text, tone);
      }
      return line.toString();
    };
    const details = row((i) => columns[i]!.detail, this.#theme.faint);
    return [row((i) => columns[i]!.label, this.#theme.node), ...(details === '' ? [] : [details])];
  }

  of(told: Told): readonly string[] {
    switch (told.kind) {
      case 'step':
        return [this.#spacer(), ...this.#story(told.at, told.event.body.story), ...this.#aside(told.event)];
      case 'note':
        return [...this.#note(told.event, told.text, told.at), ...this.#aside(told.event)];
      case 'message':
        return this.#message(told.journey, told.at, this.#title(told.journey));
      case 'repeated':
        return this.#message(told.rows[0]!.journey, told.rows[0]!.at, repeatedSummary(told.rows));
      case 'background':
        return this.#background(told.rows);
      case 'crowd':
        return this.#across(crowdSummary(told.rows, this.#columns.more, this.#journeys), this.#theme.faint, told.rows[0]!.at);
    }
  }

  /** What is sent again says nothing new. */
  #title(journey: Journey): { readonly title: string; readonly detail: string } {
    const { title, detail } = titleOf(journey, this.#journeys);
    return { title, detail: (journey.message?.body.retransmission ?? 0) > 0 ? '' : detail };
  }

  #message(journey: Journey, at: number, { title, detail }: { readonly title: string; readonly detail: string }): readonly string[] {
    const hops = hopsOf(journey, this.#columns.columns, this.#journeys);
    const notes = journey.led.flatMap((event) => {
      const text = noteOf(event);
      return text === undefined ? [] : [...this.#note(event, text), ...this.#aside(event)];
    });
    if (hops.length === 0 && notes.length === 0 && journey.family !== 'ike') return [];
    const refreshed = journey.family === 'keepalive' ? this.#refreshed(journey) : undefined;
    return [
      ...this.#saying(hops[0], title, refreshed ?? detail, at),
      ...this.#arrows(hops),
      ...(journey.message?.body.direction === 'sent' ? this.#aside(journey.message) : []),
      ...(journey.family === 'keepalive' ? this.#trace.of('keepalive-sent').slice(0, 1).flatMap((event) => this.#aside(event)) : []),
      ...this.#fate(journey, hops),
      ...notes,
    ];
  }

  #background(rows: readonly MessageRow[]): readonly string[] {
    const [{ journey, at }] = rows as readonly [MessageRow];
    const title = backgroundSummary(rows, this.#journeys);
    if (rows.every((row) => row.journey.family === 'keepalive' && row.journey.sightings[0]!.node === journey.sightings[0]!.node)) return this.#message(journey, at, { title, detail: '' });
    const lanes = rows.slice(0, 2).flatMap((row) => hopsOf(row.journey, this.#columns.columns, this.#journeys)).flatMap(({ from, to }) => [from, to]);
    if (lanes.length === 0) return [];
    const [left, right] = [Math.min(...lanes), Math.max(...lanes)].map((lane) => this.#columns.columns[lane]!.x) as [number, number];
    return [...this.#across(title, this.#theme.faint, at), this.#line().put(left + 1, `◄${'┄'.repeat(Math.max(0, right - left - 3))}►`, this.#theme.faint).toString()];
  }

  /** What a message is, at the tail of its arrow. */
  #saying(hop: Hop | undefined, title: string, detail: string, at: number): readonly string[] {
    const { columns, gutter } = this.#columns;
    const text = detail === '' ? title : `${title}: ${detail}`;
    const tone: Tone = (line) => (line.startsWith(` ${title}`) ? `${this.#theme.strong(` ${title}`)}${this.#theme.faint(line.slice(title.length + 1))}` : this.#theme.faint(line));
    const x = columns[hop?.from ?? 0]?.x ?? gutter;
    const toTheRight = hop === undefined || this.#way(hop) > 0;
    if (gutter === 0 || !fits(text, this.#roomBeside(x)[toTheRight ? 'right' : 'left'])) return this.#across(text, tone, at);
    return this.#block(x, toTheRight ? 'right' : 'left', text, tone, at);
  }

  /** Hop by hop on one line, as long as they lie beside each other. */
  #arrows(hops: readonly Hop[]): readonly string[] {
    const rows: { readonly line: Line; readonly spans: (readonly [number, number])[] }[] = [];
    for (const [i, hop] of hops.entries()) {
      const [left, right] = this.#spanOf(hop);
      let row = rows.at(-1);
      if (row === undefined || row.spans.some(([start, end]) => left < end && start < right)) rows.push((row = { line: this.#line(), spans: [] }));
      row.spans.push([left, right]);
      this.#draw(row.line, hop, hops[i - 1], left, right);
    }
    return rows.map(({ line }) => line.toString());
  }

  #draw(line: Line, hop: Hop, before: Hop | undefined, left: number, right: number): void {
    const theme = this.#theme;
    if (hop.from === hop.to && hop.end !== 'gone') {
      line.put(left, hop.end === 'dropped' ? '✗' : '●', hop.end === 'dropped' ? theme.bad : theme.strong);
      return;
    }
    let x = left + 1;
    for (const { text, says } of arrow(hop, this.#way(hop) > 0, right - left - 1, this.#columns.isRoomy)) {
      const isChanged = says !== undefined && before?.ends !== undefined && hop.ends !== undefined && !text.includes(labelOf(before.ends[says], this.#columns.isRoomy));
      line.put(x, text, says === undefined ? (hop.end === 'arrived' ? plain : theme.bad) : isChanged ? theme.doubt : plain);
      x += text.length;
    }
  }

  /** From lifeline to lifeline. What nobody has seen arrive goes towards the next one. */
  #spanOf(hop: Hop): readonly [left: number, right: number] {
    const { columns, width, gutter } = this.#columns;
    const start = columns[hop.from]!.x;
    const end = hop.end === 'gone' ? (columns[hop.from + this.#way(hop)]?.x ?? (this.#way(hop) > 0 ? width : gutter)) : columns[hop.to]!.x;
    return [Math.min(start, end), Math.max(start, end)];
  }

  /** 1 to the right, -1 to the left. */
  #way({ from, to, ends, end }: Hop): 1 | -1 {
    const { columns } = this.#columns;
    const known = end === 'gone' ? columns.findIndex(({ nodes }) => nodes.some(({ interfaces }) => interfaces.some(({ address }) => address === ends?.to.address))) : to;
    const target = known >= 0 && known !== from ? known : from === columns.length - 1 ? from - 1 : from + 1;
    return target > from ? 1 : -1;
  }

  /** How a journey ended before its time, as far as no event at a node tells it. */
  #fate({ loss, family, sightings }: Journey, hops: readonly Hop[]): readonly string[] {
    const last = hops.at(-1);
    if (last === undefined) return [];
    const tell = (lane: number, text: string): readonly string[] => this.#beside(this.#columns.columns[lane]!.x, text, this.#theme.bad);
    if (loss?.body.kind === 'impaired') return tell(last.from, impairments[loss.body.how](loss.body.segment));
    if (loss === undefined && last.end === 'dropped') return tell(last.to, `${sightings.at(-1)!.node} does not pass it on`);
    return loss === undefined && last.end === 'gone' && family !== 'other' ? tell(last.from, 'was not seen to arrive') : [];
  }

  /** The mapping that a keepalive has kept alive. */
  #refreshed({ sightings, led }: Journey): string | undefined {
    const passed = sightings.flatMap((event, i) => {
      const before = sightings[i - 1];
      if (event.body.direction !== 'out' || before?.node !== event.node || led.some(({ node, body }) => node === event.node && body.kind === 'mapping-created')) return [];
      const [inside, outside] = [this.#journeys.seen(before), this.#journeys.seen(event)];
      return inside === undefined || outside === undefined || sameEndpoint(inside.from, outside.from) ? [] : [`${describeEndpoint(inside.from)} ⇄ ${describeEndpoint(outside.from)} at ${event.node}`];
    });
    return passed.length === 0 ? undefined : `one octet 0xFF, refreshes ${passed.join(' and ')}`;
  }

  #note(event: TraceEvent, text: string, at?: number): readonly string[] {
    const theme = this.#theme;
    const tone = { mapped: theme.good, unmapped: theme.doubt, bad: theme.bad, plain }[toneOf(event)];
    const lane = laneOf(this.#columns.columns, event.node);
    const told = event.body.kind === 'drop' ? this.#drop(event.node, event.body, text) : text;
    if (lane >= 0) return this.#beside(this.#columns.columns[lane]!.x, told, tone, at, event.node);
    const rows = event.body.kind === 'table' ? tableRows(event.body.mappings, this.#columns.width - this.#columns.gutter - 6) : [];
    return [...this.#across(told, tone, at), ...rows.flatMap((row) => row.flatMap((line, i) => this.#line().put(this.#columns.gutter + (i === 0 ? 4 : 6), `${line} `, theme.faint).toString()))];
  }

  /** The same again needs no more than its reason. */
  #drop(node: string, { reason, detail }: DropEvent, text: string): string {
    const isKnown = this.#told.has(`${node} ${detail}`);
    this.#told.add(`${node} ${detail}`);
    return isKnown ? `${node} drops it again [${reason}]` : `${node} ${text}`;
  }

  /** Once for each thing that is worth it. */
  #aside(event: TraceEvent): readonly string[] {
    const added = this.#teacher?.adds(event);
    return added === undefined ? [] : this.#across(`“${added}”`, this.#theme.faint);
  }

  /** What there is for text beside a lifeline. */
  #roomBeside(x: number): { readonly right: number; readonly left: number } {
    const { columns, gutter, width } = this.#columns;
    return { right: (columns.at(-1)?.x ?? width) - x - 3, left: x - gutter - 4 };
  }

  /** At a lifeline, on the side that has more room; across the ladder with the name in front where neither has enough. */
  #beside(x: number, text: string, tone: Tone, at?: number, name?: string): readonly string[] {
    const { right, left } = this.#roomBeside(x);
    if (fits(text, Math.max(right, left))) return this.#block(x, fits(text, right) && right >= Math.min(left, longest) - 8 ? 'right' : 'left', text, tone, at, true);
    return this.#across(name === undefined || text.includes(name) ? text : `${name}: ${text}`, tone, at);
  }

  #block(x: number, side: 'left' | 'right', text: string, tone: Tone, at?: number, isTied = false): readonly string[] {
    const room = Math.min(longest, this.#roomBeside(x)[side]);
    const block = lines(this.#timed(text, at), room);
    const start = side === 'right' ? x + 2 : x - 1 - Math.max(...block.map((line) => stringWidth(line)));
    return block.map((text, i) => {
      const line = this.#line().put(start - 1, ` ${text} `, tone);
      if (isTied && i === 0) line.put(x, side === 'right' ? '├' : '┤', tone);
      return this.#at(line, i === 0 ? at : undefined).toString();
    });
  }

  #across(text: string, tone: Tone, at?: number): readonly string[] {
    const { gutter, width } = this.#columns;
    const x = gutter === 0 ? 1 : gutter + 3;
    return lines(this.#timed(text, at), Math.min(longest, width - x - 3)).map((line, i) => this.#at(this.#line().put(x - 1, ` ${line} `, tone), i === 0 ? at : undefined).toString());
  }

  #story(at: number, story: string): readonly string[] {
    const { gutter, width } = this.#columns;
    const told = lines(this.#timed(story, at), Math.min(longest + 12, width - gutter - 4));
    return told.map((line, i) => this.#at(this.#line().put(gutter, `${i === 0 ? '══' : '  '} ${line} `, this.#theme.strong), i === 0 ? at : undefined).toString());
  }

  /** Where there is no gutter the time stands in front. */
  #timed(text: string, at: number | undefined): string {
    return this.#columns.gutter === 0 && at !== undefined ? `${clock(at)}  ${text}` : text;
  }

  #at(line: Line, at: number | undefined): Line {
    return at === undefined || this.#columns.gutter === 0 ? line : line.put(0, clock(at).padStart(this.#columns.gutter - 1), this.#theme.faint);
  }

  #line(): Line {
    return new Line(this.#columns, this.#theme.faint);
  }

  #spacer(): string {
    return this.#line().toString();
  }
}

const plain: Tone = (text) => text;

const impairments: Readonly<Record<EventOf<'impaired'>['body']['how'], (segment: string) => string>> = {
  lost: (segment) => `lost on the link ${segment}`,
  down: (segment) => `the link ${segment} is down`,
  'too-big': (segment) => `too big for the link ${segment}`,
  duplicated: (segment) => `duplicated on the link ${segment}`,
  reordered: (segment) => `held up on the link ${segment}`,
};

/** Beside a lifeline, without a word that would have to be broken. */
const fits = (text: string, room: number): boolean => room >= besideFrom && text.split(' ').every((word) => stringWidth(word) <= room);

const middle = (left: number, right: number): number => Math.floor((left + right) / 2);

const shortened = (text: string, room: number): string => (stringWidth(text) <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`);
