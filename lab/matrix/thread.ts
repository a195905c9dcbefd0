/** What a worker thread does: cells in, results out, one at a time. */
import { parentPort } from 'node:worker_threads';
import { playCell } from './play.ts';
import type { Order } from './play.ts';

parentPort!.on('message', (order: Order) => void playCell(order).then((result) => parentPort!.postMessage(result)));
