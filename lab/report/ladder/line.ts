/** A line of the ladder: lifelines, and what is written over them. */
import stringWidth from 'string-width';
import type { Columns } from './columns.ts';

export type Tone = (text: string) => string;

interface Piece {
  readonly x: number;
  readonly text: string;
  readonly tone: Tone;
}

export class Line {
  readonly #columns: Columns;
  readonly #pieces: Piece[] = [];
  readonly #lifeline: Tone;

  /** `lifeline` paints the lifelines. */
  constructor(columns: Columns, lifeline: Tone) {
    this.#columns = columns;
    this.#lifeline = lifeline;
  }

  /** Writes at a column, over lifelines, not over what has been written there: pieces do not overlap. */
  put(x: number, text: string, tone: Tone = (plain) => plain): this {
    if (text !== '') this.#pieces.push({ x, text, tone });
    return this;
  }

  toString(): string {
    let line = '';
    let at = 0;
    const lifelinesUntil = (end: number): void => {
      for (; at < end; at++) line += this.#columns.columns.some(({ x }) => x === at) ? this.#lifeline('│') : ' ';
    };
    for (const { x, text, tone } of this.#pieces.toSorted((one, other) => one.x - other.x)) {
      lifelinesUntil(x);
      line += tone(text);
      at += stringWidth(text);
    }
    lifelinesUntil((this.#columns.columns.at(-1)?.x ?? -1) + 1);
    return line.trimEnd();
  }
}
