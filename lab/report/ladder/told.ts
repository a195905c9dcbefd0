/** What of the rows is told one by one, and what is told together: repetitions, what goes on in the background, a crowd of clients of whom some stand for all. */
import type { SpiText } from '../../../src/core/events.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import type { Trace } from '../../../src/trace/trace.ts';
import type { Family, Journey } from '../../ladder/journey.ts';
import type { Network } from '../../ladder/network.ts';
import { isPlain, noteOf } from '../../ladder/rows.ts';
import type { MessageRow, SingleRow } from '../../ladder/rows.ts';

export type Told =
  | SingleRow
  /** A message that its sender repeats, with the same fate each time. */
  | { readonly kind: 'repeated'; readonly rows: readonly MessageRow[] }
  /** Keepalives, ESP, questions whether the peer lives: nothing comes of them. */
  | { readonly kind: 'background'; readonly rows: readonly MessageRow[] }
  /** What clients without a column say, and what happens because of it. */
  | { readonly kind: 'crowd'; readonly rows: readonly SingleRow[] };

/** So many in a row go on in the background; of questions and answers of IKE's two pairs do, of keepalives, which all say the same, two. */
const backgroundFrom = { any: 7, ike: 4, keepalive: 2 } as const;

/** The clients without a column, and all that is about them. */
export class Crowd {
  readonly #hidden: ReadonlySet<string>;
  readonly #addresses: ReadonlySet<string>;
  readonly #owners: ReadonlyMap<SpiText, string>;

  constructor(trace: Trace, network: Network, hidden: ReadonlySet<string>) {
    this.#hidden = hidden;
    const addressesOf = (isHidden: boolean): string[] => network.nodes.filter(({ name }) => hidden.has(name) === isHidden).flatMap(({ interfaces }) => interfaces.map(({ address }) => address));
    const shown = new Set(addressesOf(false));
    this.#addresses = new Set(addressesOf(true).filter((address) => !shown.has(address)));
    this.#owners = new Map(hidden.size === 0 ? [] : trace.of('ike-message').filter(({ node, body }) => hidden.has(node) && body.direction === 'sent').map(({ node, body }) => [body.initiatorSpi, node]));
  }

  has(row: SingleRow): boolean {
    if (this.#hidden.size === 0 || row.kind === 'step') return false;
    if (row.kind === 'note') return this.#isAbout(row.event);
    const { sightings, message } = row.journey;
    return sightings.some(({ node }) => this.#hidden.has(node)) || (message !== undefined && this.#owners.has(message.body.initiatorSpi));
  }

  #isAbout({ node, body }: TraceEvent): boolean {
    if (this.#hidden.has(node)) return true;
    if ('initiatorSpi' in body) return this.#owners.has(body.initiatorSpi);
    return 'mapping' in body && this.#addresses.has(body.mapping.inside.address);
  }
}

/** Whether what comes next may be told together with it. */
export const mayGrow = (row: SingleRow): boolean => row.kind === 'message' && (repeats(row) || isBackground(row));

/** Rows in their order, what repeats itself folded. */
export function together(rows: readonly SingleRow[]): readonly Told[] {
  const told: Told[] = [];
  for (let i = 0; i < rows.length; ) {
    const run = runAt(rows, i, repeats, sameAgain);
    if (run.length > 1) {
      told.push({ kind: 'repeated', rows: run });
      i += run.length;
      continue;
    }
    const one = rows[i]!;
    const background = runAt(rows, i, isBackground, () => true);
    const fold =
      background.length >= backgroundFrom.any ? background : [runAt(background, 0, isOf('ike'), () => true), runAt(background, 0, isOf('keepalive'), () => true)].find((run) => run.length > 0 && run.length >= backgroundFrom[run[0]!.journey.family as 'ike' | 'keepalive']);
    told.push(fold === undefined ? one : { kind: 'background', rows: fold });
    i += fold?.length ?? 1;
  }
  return told;
}

/** The rows from `start` on that are of a kind, each like the one before. */
function runAt(rows: readonly SingleRow[], start: number, isOne: (row: MessageRow) => boolean, goesOn: (before: MessageRow, row: MessageRow) => boolean): readonly MessageRow[] {
  const run: MessageRow[] = [];
  for (let i = start; i < rows.length; i++) {
    const row = rows[i]!;
    if (row.kind !== 'message' || !isOne(row) || (run.length > 0 && !goesOn(run.at(-1)!, row))) break;
    run.push(row);
  }
  return run;
}

const isOf = (family: Family) => (row: MessageRow): boolean => row.journey.family === family;

/** Whatever goes its way without any consequence; of IKE only questions and answers that change nothing. */
const isBackground = (row: MessageRow): boolean => isPlain(row) && (row.journey.family !== 'ike' || /^informational$/i.test(row.journey.message?.body.exchange ?? ''));

const repeats = ({ journey: { message } }: MessageRow): boolean => message !== undefined && message.body.retransmission > 0;

/** The same message, and the same came of it. */
function sameAgain({ journey: one }: MessageRow, { journey: other }: MessageRow): boolean {
  const [before, now] = [one.message!, other.message!];
  return (
    before.node === now.node &&
    before.body.exchange === now.body.exchange &&
    before.body.messageId === now.body.messageId &&
    before.body.initiatorSpi === now.body.initiatorSpi &&
    before.body.response === now.body.response &&
    fateOf(one) === fateOf(other)
  );
}

/** Where it was seen, and what was said of it. */
const fateOf = ({ sightings, led }: Journey): string => JSON.stringify([sightings.map(({ node }) => node), led.map(noteOf).filter((text) => text !== undefined)]);
