/** How far the matrix is: on a terminal one line that changes, else a plain line a cell. */
import { clearLine, cursorTo } from 'node:readline';
import type { Cell } from '../matrix/cell.ts';
import { verdictOf } from '../matrix/judge.ts';
import type { CellResult } from '../matrix/play.ts';
import { looks } from './matrix-words.ts';
import { lineWidth } from './text.ts';
import type { Theme } from './theme.ts';

export interface Progress {
  begins(cell: Cell): void;
  ends(result: CellResult): void;
  close(): void;
}

type Stream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export function progressOn(stream: Stream, theme: Theme, total: number): Progress {
  let [done, wrong] = [0, 0];
  const playing = new Set<string>();
  const line = ({ cell, kind, wallMs }: CellResult): string => `${theme[looks[kind].tone](looks[kind].sign)} ${done}/${total} ${cell.id}  ${looks[kind].words}  ${(wallMs / 1000).toFixed(1)} s\n`;
  const paint = (): void => {
    clearLine(stream, 0);
    cursorTo(stream, 0);
    const text = `${done}/${total}${wrong > 0 ? `, ${wrong} wrong` : ''}  ${[...playing].join(', ')}`;
    stream.write(text.slice(0, lineWidth(stream, 200) - 1));
  };
  const count = ({ kind, cell }: CellResult): void => {
    done++;
    playing.delete(cell.id);
    if (verdictOf[kind] === 'fail') wrong++;
  };
  if (stream.isTTY !== true) return { begins: () => undefined, ends: (result) => { count(result); stream.write(line(result)); }, close: () => undefined };
  return {
    begins: ({ id }) => {
      playing.add(id);
      paint();
    },
    ends: (result) => {
      count(result);
      paint();
    },
    close: () => {
      clearLine(stream, 0);
      cursorTo(stream, 0);
    },
  };
}
