/** Who ends a run of the tests from outside finds nothing of it on the machine afterwards: no worker, no helper, no lab with its namespaces. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';
import { nothingLeft, processesOf } from './nothing-left.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** As `vitest run` does it, with a file that is no test of this project: in the place of its projects, for these have tests of their own. */
const vitest = `
  import { startVitest } from 'vitest/node';
  await startVitest('test', [], { root: ${JSON.stringify(root)}, config: false, setupFiles: ['test/support/ends-with-vitest.ts'], include: ['test/backends/linux/until-killed.ts'], watch: false });
`;

/** Each by what its command line has. */
const victims = { vitest: 'startVitest', 'its worker': 'workers/forks' } as const;

needs('root', 'koffi', 'user namespaces', 'setpriv', 'ip', 'tun').test.concurrent.for([
  ['vitest', 'SIGKILL'],
  ['vitest', 'SIGINT'],
  ['its worker', 'SIGKILL'],
] as const)('%s, ended by %s in the middle of a test, takes the lab of the test with it', { timeout: 60_000 }, async ([victim, signal]) => {
  const mark = `natt-lab-test-${randomUUID()}`;
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', ACT: 'network', MARK: mark };
  const run = spawn(...endingWithUs(process.execPath, '--input-type=module', '-e', vitest), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(run, 'exit');
  let said = '';
  await new Promise((resolve) => {
    for (const stream of [run.stdout, run.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text).includes('"ready":true') && resolve(true));
    run.once('exit', resolve);
  });
  expect(said).toContain('"ready":true');
  const running = processesOf(mark);
  expect(running.filter(({ inner }) => inner)).toHaveLength(1);

  process.kill(running.find(({ command }) => command.includes(victims[victim]))!.pid, signal);

  await ended;
  await nothingLeft(mark);
});
