/** How the cells are played: in parallel, with workers that may die, until the end, a failure or an interruption. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { milliseconds, seconds } from '../../src/core/time.ts';
import type { CellResult } from '../../lab/matrix/play.ts';
import { processPlayer, threadPlayer } from '../../lab/matrix/players.ts';
import type { Player } from '../../lab/matrix/players.ts';
import { runMatrix, usualLimit } from '../../lab/matrix/run.ts';
import type { MatrixRun } from '../../lab/matrix/run.ts';
import { nodeOptions } from '../../lab/own-modules.ts';
import { cell } from './cells.ts';

const usual: MatrixRun = { parallel: { simulated: 2, real: 1 }, limit: usualLimit, bail: false, folders: [], signal: new AbortController().signal };
const thread = (): Player => threadPlayer(new URL('./dying-thread.ts', import.meta.url));
const child = (): Player => processPlayer('netns', [...nodeOptions(), fileURLToPath(new URL('./dying-process.ts', import.meta.url))], milliseconds(200));
const played = async (...asked: Parameters<typeof runMatrix>): Promise<readonly CellResult[]> => {
  const { results, closed } = await runMatrix(...asked);
  await closed;
  return results;
};
const named = (...names: readonly string[]) => names.map((scenario) => cell({ scenario, id: scenario }));

describe.each([
  ['thread', thread, ['exit status 7', 'a bug of ours']],
  ['process', child, ['exit status 7', 'SIGKILL']],
] as const)('a worker %s that dies', (_, playerFor, [exits, throws]) => {
  test('takes its cell with it, says how, and the others are played', async () => {
    const results = await played(named('one', 'exits', 'two', 'throws', 'three'), { ...usual, playerFor });
    expect(results.map(({ cell: { id }, kind, reason }) => [id, kind, reason])).toEqual([
      ['one', 'works', undefined],
      ['exits', 'broke', `the worker that played it died: ${exits}`],
      ['two', 'works', undefined],
      ['throws', 'broke', `the worker that played it died: ${throws}`],
      ['three', 'works', undefined],
    ]);
  });

  test('is no reason to wait for one that hangs, when there is an interruption: what is done is the result', async () => {
    const interruption = new AbortController();
    const ends = ({ cell: { id } }: CellResult): void => {
      if (id === 'two') interruption.abort();
    };
    const results = await played(named('hangs', 'one', 'two', 'three', 'four'), { ...usual, parallel: { simulated: 2, real: 2 }, playerFor, signal: interruption.signal, ends });
    expect(results.map(({ cell: { id } }) => id)).toEqual(['one', 'two']);
  });
});

describe.each([['thread', thread, 'sim'], ['process', child, 'netns']] as const)('a cell whose %s hangs', (_, playerFor, backend) => {
  test('is ended when its time is over; its worker has another one for successor, who plays the others', async () => {
    const limit = { simulated: seconds(2), real: seconds(2) };
    const results = await played(named('one', 'hangs', 'spins', 'two').map((one) => ({ ...one, backend })), { ...usual, parallel: { simulated: 1, real: 1 }, limit, playerFor });
    expect(results.map(({ cell: { id }, kind, reason }) => [id, kind, reason])).toEqual([
      ['one', 'works', undefined],
      ['hangs', 'overran', 'it was ended after 2 s; --timeout gives each cell more'],
      ['spins', 'overran', 'it was ended after 2 s; --timeout gives each cell more'],
      ['two', 'works', undefined],
    ]);
  });
});

test('after an interruption the results do not wait for a worker that does not end', async () => {
  const interruption = new AbortController();
  const ends = ({ cell: { id } }: CellResult): void => {
    if (id === 'one') interruption.abort();
  };
  const { results, closed } = await runMatrix(named('spins', 'one').map((one) => ({ ...one, backend: 'netns' as const })), { ...usual, parallel: { simulated: 2, real: 2 }, playerFor: child, signal: interruption.signal, ends });
  const first = await Promise.race([closed.then(() => 'closed'), new Promise((resolve) => setImmediate(() => resolve('still closing')))]);
  expect([results.map(({ cell: { id } }) => id), first]).toEqual([['one'], 'still closing']);
  await closed;
});

test('--bail ends after the first that came out wrong; what is under way is played to its end', async () => {
  const results = await played(named('one', 'exits', 'two', 'three', 'four', 'five'), { ...usual, parallel: { simulated: 1, real: 1 }, bail: true, playerFor: thread });
  expect(results.map(({ cell: { id } }) => id)).toEqual(['one', 'exits']);
});

test('the simulator\'s cells come from worker threads as the lab itself would play them, real time or not', async () => {
  const [works, breaks] = await played([cell(), cell({ nat: 'udp-4500-blocked' })], usual);
  expect([works!.kind, breaks!.kind]).toEqual(['works', 'fails-as-foreseen']);
  expect(works!.result).toMatchObject({ schema: 1, scenario: 'port-float', seed: 1, verdict: 'pass', acts: [{ id: 'float' }] });
});
