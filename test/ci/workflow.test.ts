/** The project's own CI as GitHub reads it, and as the scripts that it calls take it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { root } from '../cli/lab.ts';
import { needs } from '../support/needs.ts';

const text = (file: string): string => readFileSync(`${root}${file}`, 'utf8');

/** What GitHub's own parser has against each. */
const complaints = (...contents: readonly string[]): readonly (readonly string[])[] =>
  JSON.parse(execFileSync(process.execPath, ['--import', 'tsx', 'test/ci/as-github-reads-it.ts'], { cwd: root, input: JSON.stringify(contents), encoding: 'utf8' })) as string[][];

const workflows = [...readdirSync(`${root}.github/workflows`).map((file) => `.github/workflows/${file}`), 'test/readme/examples/natt/workflow.yml'];
const own = text('.github/workflows/ci.yml');

describe.each(workflows)('%s', (file) => {
  const content = text(file);

  test('pins its actions, by their major version at least', () => {
    const used = [...content.matchAll(/uses: (\S+)/g)].map(([, action]) => action!);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((action) => !/@(v\d+|[0-9a-f]{40})$/.test(action))).toEqual([]);
  });

  test('may read and nothing else', () => expect(parse(content)).toMatchObject({ permissions: { contents: 'read' } }));
});

test('they are what GitHub takes, and what it does not take is seen', () => {
  const wrong = [own.replace('runs-on: ubuntu-latest', 'runs-onn: ubuntu-latest'), own.replace('fail-fast: false', 'fail-fast: perhaps'), own.replace('needs.plan.outputs.kernel', 'need.plan.outputs.kernel'), own.replace('needs: plan', 'needs: plam')];
  const said = complaints(...workflows.map(text), ...wrong);
  expect(said.slice(0, workflows.length)).toEqual(workflows.map(() => []));
  expect(said.slice(workflows.length).map((about) => about.join())).toEqual([expect.stringContaining("'runs-onn'"), expect.stringContaining("'perhaps'"), expect.stringContaining("named-value: 'need'"), expect.stringContaining("unknown job 'plam'")]);
});

describe('the workflow', () => {
  const runs = [...own.matchAll(/(?:run: |\$\()(\.ci\/[a-z]+|npm run [a-z]+)/g)].map(([, command]) => command!);

  test('calls scripts that are there and can be run', () => {
    const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> };
    expect(runs.filter((command) => command.startsWith('npm run') && !Object.hasOwn(scripts, command.slice('npm run '.length)))).toEqual([]);
    for (const script of runs.filter((command) => command.startsWith('.ci/'))) accessSync(`${root}${script}`, constants.X_OK);
    expect(new Set(runs)).toEqual(new Set(['npm run check', '.ci/packages', '.ci/tests', '.ci/matrix', '.ci/engine']));
  });

  test('tests on every version of Node.js that is maintained, the oldest that the package takes among them', () => {
    const { jobs } = z.object({ jobs: z.object({ tests: z.object({ strategy: z.object({ matrix: z.object({ node: z.array(z.int()), shard: z.array(z.int()) }) }) }) }) }).parse(parse(own));
    const { node, shard } = jobs.tests.strategy.matrix;
    const { engines } = JSON.parse(text('package.json')) as { engines: { node: string } };
    expect(node).toEqual([20, 22, 24]);
    expect(engines.node).toMatch(new RegExp(`^>=${node[0]!}\\.`));
    expect(shard).toEqual(shard.map((_, i) => i + 1));
    expect([...own.matchAll(/matrix\.shard \}\}\/(\d+)/g)].map(([, count]) => Number(count))).toEqual([shard.length, shard.length]);
  });
});

needs('dockerd').test('the engine of the kernel jobs is there for a command, and nothing of it is afterwards', { timeout: 60_000 }, () => {
  const { status, stdout } = spawnSync(`${root}.ci/engine`, ['sh', '-c', 'curl --silent --unix-socket "${DOCKER_HOST#unix://}" http://docker/version; echo; dirname "${DOCKER_HOST#unix://}"; exit 3'], { encoding: 'utf8' });
  const [version, folder] = stdout.trimEnd().split('\n');
  expect(status).toBe(3);
  expect(JSON.parse(version!)).toMatchObject({ Os: 'linux' });
  expect(existsSync(folder!)).toBe(false);
});
