import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import type { TestContext } from 'vitest';
import { backendNames } from '../../../lab/backends/backend.ts';
import { headlines } from '../../../lab/scenarios/index.ts';
import { lab } from '../../cli/lab.ts';
import { startEngine } from '../../support/docker-engine.ts';
import type { TestEngine } from '../../support/docker-engine.ts';
import { needs } from '../../support/needs.ts';

/** What DOCKER_HOST is for an engine that listens on TCP. */
async function overTcp({ host }: TestEngine, onTestFinished: TestContext['onTestFinished']): Promise<string> {
  const server = createServer((near) => {
    const far = connect(host.replace('unix://', ''));
    near.pipe(far).pipe(near);
    for (const end of [near, far]) end.on('error', () => [near, far].forEach((one) => one.destroy()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Result {
  readonly scenario: string;
  readonly verdict: string;
  readonly checks: readonly { readonly id: string; readonly verdict: string }[];
}

const { describe, test } = needs('dockerd', 'koffi', 'tun', 'nft');

describe('in containers', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine[Symbol.asyncDispose]());

  /** What a command says as JSON on the simulator and in containers. */
  const both = async <Outcome>(words: readonly string[], host = engine.host): Promise<readonly Outcome[]> => {
    const said = await Promise.all([lab([...words, '--json', '-']), lab([...words, '--json', '-', '--backend', 'docker'], { DOCKER_HOST: host }, 400_000)]);
    return said.map(({ status, stdout, stderr }) => {
      if (status !== 0 && status !== 1) throw new Error(stderr);
      return JSON.parse(stdout) as Outcome;
    });
  };

  test('every headline has the verdicts of the simulator, check by check', { timeout: 400_000 }, async () => {
    // Two runs at once: passthrough alone waits as long as all the others take.
    const ids = headlines.map(({ id }) => id);
    const runs = [['passthrough'], [...ids.filter((id) => id !== 'passthrough'), '--set', 'minutes=2']].map((words) => both<readonly Result[]>(['run', ...words, '--quiet']));
    const [sim, docker] = (await Promise.all(runs)).reduce((one, other) => one.map((results, i) => [...results, ...other[i]!]));
    expect(new Set(docker!.map(({ scenario }) => scenario))).toEqual(new Set(ids));
    for (const [i, { scenario, verdict, checks }] of docker!.entries()) {
      const failed = checks.filter((check) => check.verdict !== 'pass');
      expect(checks.map((check) => `${check.id}: ${check.verdict}`), `${scenario}: ${JSON.stringify(failed, null, 1)}`).toEqual(sim![i]!.checks.map((check) => `${check.id}: ${check.verdict}`));
      expect(verdict).toBe('pass');
    }
  });

  test('what the zoo\'s boxes let pass, on the kernel and on the machine, is what they do on the simulator, over TCP too', { timeout: 200_000 }, async ({ onTestFinished }) => {
    const [sim, docker] = await both<{ readonly cells: readonly { readonly asForeseen: boolean; readonly engine: { readonly box?: string } }[] }>(['zoo', 'port-float', '--nat', 'symmetric', '--nat', 'udp-4500-blocked'], await overTcp(engine, onTestFinished));
    expect(docker!.cells.map((cell) => ({ ...cell, engine: 'whatever' }))).toEqual(sim!.cells.map((cell) => ({ ...cell, engine: 'whatever' })));
    expect(docker!.cells.map(({ asForeseen }) => asForeseen)).toEqual(Array(4).fill(true));
    expect(docker!.cells.map(({ engine: { box } }) => box)).toEqual(['machine', 'machine', 'kernel', 'kernel']);
  });

  needs('dockerd', 'koffi', 'tun', 'nft', 'user namespaces', 'mininet').test('one matrix plays on all four backends, with the same verdicts on each', { timeout: 200_000 }, async () => {
    const { stdout, stderr, status } = await lab(['matrix', '--scenario', 'port-float', '--backend', 'all', '--json', '-'], { DOCKER_HOST: engine.host }, 180_000);
    expect([status, stderr]).toEqual([0, expect.stringContaining('4 cells: 4 work')]);
    const cells = JSON.parse(stdout) as (Result & { readonly backend: string })[];
    expect(cells.map(({ backend }) => backend)).toEqual(backendNames);
    for (const { checks } of cells) expect(checks.map(({ id, verdict }) => [id, verdict])).toEqual(cells[0]!.checks.map(({ id }) => [id, 'pass']));
  });

  test('a lesson leaves nothing in the engine but the image of its nodes', async () => {
    await vi.waitFor(async () => expect(await engine.docker.listContainers({ all: true })).toEqual([]), { timeout: 10_000 });
    expect((await engine.docker.listNetworks()).map(({ Name }) => Name).sort()).toEqual(['bridge', 'host', 'none']);
    expect((await engine.docker.listImages()).flatMap(({ RepoTags }) => RepoTags)).toEqual(['natt-lab/node:shared']);
  });
});
