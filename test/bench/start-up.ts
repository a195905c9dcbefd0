import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { inTurns, median, promise, seconds } from './benchmark.ts';
import type { Benchmark } from './benchmark.ts';
import { table } from './table.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const nothing = 'data:text/javascript,';

/** Each starts what the one before it starts, and one thing more: the difference is what that one costs. */
const stages: readonly (readonly [what: string, program: string, ...argv: string[]])[] = [
  ['node alone', process.execPath, '--import', nothing, '--eval', ''],
  ['and tsx', process.execPath, '--import', 'tsx', '--eval', ''],
  ['and the lab: lab list', process.execPath, '--import', 'tsx', 'lab/cli.ts', 'list'],
  ['and the lesson: lab detection', process.execPath, '--import', 'tsx', 'lab/cli.ts', 'detection'],
  ['and npm: npm run lab -- detection', 'npm', 'run', 'lab', '--', 'detection'],
];

async function wallMs([, program, ...argv]: (typeof stages)[number]): Promise<number> {
  const started = performance.now();
  await execa(program, argv, { cwd: root, stdio: 'ignore' });
  return performance.now() - started;
}

export const startUp: Benchmark = {
  name: 'start-up',
  title: 'From the command line to the last line of the lesson, wall time',
  async run({ rounds, say }) {
    const taken = await inTurns(Math.max(rounds, 5), stages.map((stage) => () => wallMs(stage)));
    const figures = taken.map((of, i) => ({ what: stages[i]![0], wallMs: median(of) }));
    for (const line of table(
      ['', 'wall', 'more', 'share'],
      figures.map(({ what, wallMs: wall }, i) => {
        const more = wall - (figures[i - 1]?.wallMs ?? 0);
        return [what, seconds(wall), seconds(more), `${Math.round((100 * more) / figures.at(-1)!.wallMs)} %`];
      }),
    )) say(line);
    const whole = figures.at(-1)!.wallMs;
    return { figures, promises: [promise('npm run lab -- detection, start-up included', 'under 1.5 s of wall time', seconds(whole), whole < 1500)] };
  },
};
