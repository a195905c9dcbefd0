/** Plays all cells: simulated ones over the cores, then real ones, a few at a time. */
import type { BackendName } from '../backends/backend.ts';
import type { Cell } from './cell.ts';
import { verdictOf } from './judge.ts';
import type { CellResult, Order } from './play.ts';
import { processPlayer, threadPlayer } from './players.ts';
import type { Player } from './players.ts';

export interface MatrixRun extends Pick<Order, 'folders' | 'traces'> {
  /** How many at a time, simulated and real. */
  readonly parallel: { readonly simulated: number; readonly real: number };
  /** Ends after the first that came out wrong. */
  readonly bail: boolean;
  readonly signal: AbortSignal;
  readonly playerFor?: (backend: BackendName) => Player;
  begins?(cell: Cell): void;
  ends?(result: CellResult): void;
}

/** What was played until the end, an interruption or the first failure, in the order of the cells. */
export async function runMatrix(cells: readonly Cell[], run: MatrixRun): Promise<readonly CellResult[]> {
  const results = new Map<Cell, CellResult>();
  // One after the other: cores that are busy with the simulator make a real world's messages late.
  for (const backend of [...new Set(cells.map((cell) => cell.backend))]) {
    const queue = cells.filter((cell) => cell.backend === backend);
    const most = backend === 'sim' ? run.parallel.simulated : run.parallel.real;
    const players = Array.from({ length: Math.min(most, queue.length) }, () => (run.playerFor ?? usualPlayer)(backend));
    await playAll(queue, players, run, results);
  }
  return cells.flatMap((cell) => results.get(cell) ?? []);
}

const usualPlayer = (backend: BackendName): Player => (backend === 'sim' ? threadPlayer() : processPlayer(backend));

async function playAll(queue: readonly Cell[], players: readonly Player[], { signal, bail, folders, traces, begins, ends }: MatrixRun, results: Map<Cell, CellResult>): Promise<void> {
  const rest = queue.values();
  const isOver = (): boolean => signal.aborted || (bail && [...results.values()].some(({ kind }) => verdictOf[kind] === 'fail'));
  const interruption = new Promise<'interrupted'>((resolve) => signal.addEventListener('abort', () => resolve('interrupted'), { once: true }));
  await Promise.all(
    players.map(async (player) => {
      for (const cell of rest) {
        if (isOver()) break;
        begins?.(cell);
        const result = await Promise.race([player.play({ cell, folders, ...(traces === undefined ? {} : { traces }) }), interruption]);
        if (result === 'interrupted') break;
        results.set(cell, result);
        ends?.(result);
      }
      await player.end();
    }),
  );
}
