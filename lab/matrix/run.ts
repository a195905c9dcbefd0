/** Plays all cells: simulated ones over the cores, then real ones, a few at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { minutes } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { BackendName } from '../backends/backend.ts';
import type { Cell } from './cell.ts';
import { verdictOf } from './judge.ts';
import { overran } from './play.ts';
import type { CellResult, Order } from './play.ts';
import { processPlayer, threadPlayer } from './players.ts';
import type { Player } from './players.ts';

export interface MatrixRun extends Pick<Order, 'folders' | 'traces'> {
  /** How many at a time, simulated and real. */
  readonly parallel: { readonly simulated: number; readonly real: number };
  /** The longest that a cell may take, simulated and real. */
  readonly limit: { readonly simulated: Duration; readonly real: Duration };
  /** Ends after the first that came out wrong. */
  readonly bail: boolean;
  readonly signal: AbortSignal;
  readonly playerFor?: (backend: BackendName) => Player;
  begins?(cell: Cell): void;
  ends?(result: CellResult): void;
}

/** Several times what the slowest lesson takes on a busy machine. */
export const usualLimit: MatrixRun['limit'] = { simulated: minutes(5), real: minutes(15) };

export interface MatrixOutcome {
  /** What was played until the end, an interruption or the first failure, in the order of the cells. */
  readonly results: readonly CellResult[];
  /** When the last worker has gone. After an interruption that may take a while, and results need not wait for it. */
  readonly closed: Promise<void>;
}

export async function runMatrix(cells: readonly Cell[], run: MatrixRun): Promise<MatrixOutcome> {
  const results = new Map<Cell, CellResult>();
  const closing: Promise<unknown>[] = [];
  // One after the other: cores that are busy with the simulator make a real world's messages late.
  for (const backend of [...new Set(cells.map((cell) => cell.backend))]) {
    const queue = cells.filter((cell) => cell.backend === backend);
    const players = Array.from({ length: Math.min(kindOf(backend, run.parallel), queue.length) }, () => (run.playerFor ?? usualPlayer)(backend));
    await playAll(queue, players, run, results);
    const closed = Promise.all(players.map((player) => player.end()));
    closing.push(closed);
    if (!run.signal.aborted) await closed;
  }
  return { results: cells.flatMap((cell) => results.get(cell) ?? []), closed: Promise.all(closing).then(() => undefined) };
}

const kindOf = <Some>(backend: BackendName, { simulated, real }: { readonly simulated: Some; readonly real: Some }): Some => (backend === 'sim' ? simulated : real);

const usualPlayer = (backend: BackendName): Player => (backend === 'sim' ? threadPlayer() : processPlayer(backend));

async function playAll(queue: readonly Cell[], players: readonly Player[], run: MatrixRun, results: Map<Cell, CellResult>): Promise<void> {
  const { signal, bail, begins, ends } = run;
  const rest = queue.values();
  const isOver = (): boolean => signal.aborted || (bail && [...results.values()].some(({ kind }) => verdictOf[kind] === 'fail'));
  const interruption = new Promise<'interrupted'>((resolve) => signal.addEventListener('abort', () => resolve('interrupted'), { once: true }));
  await Promise.all(
    players.map(async (player) => {
      for (const cell of rest) {
        if (isOver()) break;
        begins?.(cell);
        const result = await Promise.race([playedInTime(cell, player, run), interruption]);
        if (result === 'interrupted') break;
        results.set(cell, result);
        ends?.(result);
      }
    }),
  );
}

/** A cell that hangs is ended, and its worker with it; the next one gets another. */
async function playedInTime(cell: Cell, player: Player, { limit, folders, traces }: MatrixRun): Promise<CellResult> {
  const most = kindOf(cell.backend, limit);
  const isPlayed = new AbortController();
  const began = performance.now();
  try {
    const result = await Promise.race([player.play({ cell, folders, ...(traces === undefined ? {} : { traces }) }), sleep(most, 'overran' as const, { signal: isPlayed.signal, ref: false })]);
    if (result !== 'overran') return result;
    await player.end();
    return overran(cell, most, Math.round(performance.now() - began));
  } finally {
    isPlayed.abort();
  }
}
