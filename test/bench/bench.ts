/**
 * `npm run bench [-- NAME...] [--rounds N] [--json]`: how fast and how large, and what became of each promise. It prints figures and never judges
 * the build by them: figures of one machine on one day, compared only with what was measured beside them.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { manyClients } from './clients.ts';
import { esp } from './esp.ts';
import { keepalive } from './keepalive.ts';
import { natBox } from './nat-box.ts';
import { netns } from './netns.ts';
import { netnsNat } from './netns-nat.ts';
import { startUp } from './start-up.ts';
import { zoo } from './zoo.ts';
import type { Benchmark } from './benchmark.ts';
import { table } from './table.ts';

const benchmarks: readonly Benchmark[] = [startUp, keepalive, manyClients, natBox, zoo, esp, netns, netnsNat];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' } } });
const unknown = positionals.find((wanted) => !benchmarks.some(({ name }) => name === wanted));
const rounds = Number(values.rounds);
if (unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
  console.error(unknown === undefined ? `--rounds takes a number from 1 on, not ${values.rounds}` : `no benchmark "${unknown}"; there are ${benchmarks.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const say = (line = ''): void => console[values.json ? 'error' : 'log'](line);
const machine = `Node ${process.version}, ${process.platform} ${process.arch}, ${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'})`;
say(`${machine}; medians of ${rounds}`);

const results = [];
for (const { name, title, run } of benchmarks.filter(({ name: its }) => positionals.length === 0 || positionals.includes(its))) {
  say();
  say(`${name}  ${title}`);
  const outcome = await run({ rounds, say: (line) => say(`  ${line}`) });
  results.push({ benchmark: name, ...outcome });
}

const promises = results.flatMap((result) => result.promises);
say();
for (const line of table(
  ['promise', 'promised', 'measured', ''],
  promises.map(({ what, promised, measured, met }) => [what, promised, measured, met === undefined ? 'not measured' : met ? 'met' : 'NOT MET']),
  'left',
)) say(line);
if (values.json) console.log(JSON.stringify({ machine, rounds, results }, undefined, 2));
