/** A worker thread that ends in the middle of some cells, and answers others. */
import { parentPort } from 'node:worker_threads';
import type { CellResult, Order } from '../../lab/matrix/play.ts';

parentPort!.on('message', ({ cell }: Order) => {
  if (cell.scenario === 'exits') process.exit(7);
  if (cell.scenario === 'throws') throw new Error('a bug of ours');
  if (cell.scenario === 'hangs') return;
  while (cell.scenario === 'spins');
  parentPort!.postMessage({ cell, kind: 'works', acts: [], wallMs: 1 } satisfies CellResult);
});
