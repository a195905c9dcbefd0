/** The other end of a matrix's real backends: orders in on standard input, results out on standard output, JSON lines both. Not for people. */
import { createInterface } from 'node:readline';
import { loadBackend } from '../backends/index.ts';
import { playCell } from '../matrix/play.ts';
import type { Order } from '../matrix/play.ts';
import { interrupted, interruptible } from './interruption.ts';
import { ranElsewhere } from './usable-backend.ts';

export async function matrixWorker({ backend }: { readonly backend: string }): Promise<number> {
  const status = await ranElsewhere(await loadBackend(backend));
  if (status !== undefined) return status;
  return interruptible(async (signal) => {
    for await (const line of createInterface({ input: process.stdin })) {
      const result = await playCell(JSON.parse(line) as Order, signal);
      if (signal.aborted) return interrupted;
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
    return 0;
  });
}
