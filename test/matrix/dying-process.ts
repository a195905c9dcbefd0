/** A worker process that is killed in the middle of some cells, and answers others. */
import { createInterface } from 'node:readline';
import type { CellResult, Order } from '../../lab/matrix/play.ts';

for await (const line of createInterface({ input: process.stdin })) {
  const { cell } = JSON.parse(line) as Order;
  if (cell.scenario === 'exits') process.exit(7);
  if (cell.scenario === 'throws') process.kill(process.pid, 'SIGKILL');
  // Nobody can ask it to end.
  if (cell.scenario === 'spins') process.on('SIGTERM', () => undefined);
  while (cell.scenario === 'spins');
  if (cell.scenario !== 'hangs') console.log(JSON.stringify({ cell, kind: 'works', acts: [], wallMs: 1 } satisfies CellResult));
}
