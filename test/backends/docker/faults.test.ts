/** What goes wrong around a run in containers: who dies, what is said, what is left, and who removes it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test as always, vi } from 'vitest';
import { argvOf, lab, root } from '../../cli/lab.ts';
import { startEngine } from '../../support/docker-engine.ts';
import type { TestEngine } from '../../support/docker-engine.ts';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const { describe, test } = needs('dockerd', 'koffi', 'tun', 'nft');

interface Started {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** A lesson that waits long enough for something to be done to it. */
const startLesson = (host: string, ...words: readonly string[]): Started => start(host, 'keepalive', '--set', 'minutes=2', '--backend', 'docker', '--json', '-', ...words);

function start(host: string, ...words: readonly string[]): Started {
  const child = spawn(...endingWithUs(process.execPath, ...argvOf(...words)), { cwd: root, env: { ...process.env, DOCKER_HOST: host }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (piece: Buffer) => (said[stream] += piece.toString()));
  return { process: child, ended: once(child, 'close').then(([status]) => ({ status: status as number | null, ...said })) };
}

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-docker-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('in an engine', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  const containers = () => engine.docker.listContainers({ all: true, filters: { label: ['natt-lab.run'] } });
  const networks = () => engine.docker.listNetworks({ filters: { label: ['natt-lab.run'] } });
  const runOf = async (started: Started, others: readonly string[] = []): Promise<string> =>
    vi.waitFor(
      async () => {
        if (started.process.exitCode !== null) throw new Error(`it has ended: ${(await started.ended).stderr}`);
        // Its lease and the four nodes of "home" are there.
        const running = (await containers()).flatMap(({ Labels, State }) => (State === 'running' ? [Labels['natt-lab.run']!] : []));
        for (const run of new Set(running)) if (!others.includes(run) && running.filter((its) => its === run).length === 5) return run;
        throw new Error('not there yet');
      },
      { timeout: 60_000, interval: 100 },
    );
  const clean = async () => JSON.parse((await lab(['clean', '--json'], { DOCKER_HOST: engine.host })).stdout) as { runs: string[]; containers: string[]; networks: string[]; living: string[] };

  test('kill -9 of one of two runs: its containers end by themselves, "clean" removes the rest of it, and nothing of the other', async () => {
    const other = startLesson(engine.host);
    const living = await runOf(other);
    const victim = startLesson(engine.host);
    const killed = await runOf(victim, [living]);
    victim.process.kill('SIGKILL');
    await victim.ended;
    await vi.waitFor(async () => expect((await containers()).filter(({ Labels }) => Labels['natt-lab.run'] === killed)).toEqual([]), { timeout: 20_000 });
    expect((await networks()).filter(({ Labels }) => Labels?.['natt-lab.run'] === killed)).not.toEqual([]);

    const cleaned = await clean();
    expect(cleaned).toMatchObject({ runs: [killed], containers: [], living: [living] });
    expect(cleaned.networks.every((name) => name.startsWith(`natt-lab-${killed}-`))).toBe(true);
    expect((await networks()).map(({ Labels }) => Labels?.['natt-lab.run'])).not.toContain(killed);

    other.process.kill('SIGINT');
    expect((await other.ended).status).toBe(130);
    await vi.waitFor(async () => expect([await containers(), await networks()]).toEqual([[], []]), { timeout: 20_000 });
    expect(await clean()).toMatchObject({ runs: [], containers: [], networks: [], living: [] });
  });

  test('a container that dies ends the run, which says so, writes what it has and removes the rest', async () => {
    const started = startLesson(engine.host);
    const run = await runOf(started);
    const box = (await containers()).find(({ Labels, Names }) => Labels['natt-lab.run'] === run && Names[0]!.endsWith('-box'))!;
    await engine.docker.getContainer(box.Id).kill();
    const { status, stdout, stderr } = await started.ended;
    expect(stderr).toContain('lab: the container of box has stopped, or its engine has');
    expect([status, JSON.parse(stdout)]).toEqual([3, []]);
    await vi.waitFor(async () => expect([await containers(), await networks()]).toEqual([[], []]), { timeout: 20_000 });
  });

  test('leaves alone what others have in the engine', async () => {
    const mine = await engine.docker.createNetwork({ Name: 'natt-lab-is-not-mine', Labels: { somebody: 'else' } });
    expect(await clean()).toMatchObject({ runs: [], networks: [] });
    await mine.remove();
  });

  test('an engine that does not see what the lab writes is taken for one on another machine, and says what it lacks there', async () => {
    const { status, stderr } = await lab(['detection', '--backend', 'docker'], { DOCKER_HOST: engine.host, TMPDIR: '/dev/shm' });
    expect(stderr).toMatch(/^lab: the engine cannot build the image of the lab's nodes: [^]*\n {2}It needs the registry that has node:20-bookworm-slim, and Debian's packages, once\. Where they cannot be had, NATT_LAB_BASE_IMAGE names an image that has all of it\.\n$/);
    expect(status).toBe(3);
    await vi.waitFor(async () => expect(await containers()).toEqual([]), { timeout: 10_000 });
  });

  test('the doctor knows it', async () => {
    const { stdout } = await lab(['doctor', '--json'], { DOCKER_HOST: engine.host });
    expect((JSON.parse(stdout) as { backend: string }[]).find(({ backend }) => backend === 'docker')).toMatchObject({ usable: true, requirements: [{ name: 'engine', present: true, detail: expect.stringContaining(engine.host) as string }] });
  });

  test('an engine that disappears ends the run, which says so; cells of a matrix that need it are broken, and the others what they are', async () => {
    const started = startLesson(engine.host);
    const run = await runOf(started);
    const matrix = start(engine.host, 'matrix', '--scenario', 'port-float,detection', '--backend', 'sim,docker', '--quiet', '--json', join(folder, 'matrix.json'));
    await runOf(matrix, [run]);
    await engine.kill();
    const { status: judged, stdout: summary } = await matrix.ended;
    expect([judged, summary.split('\n')[0]]).toEqual([1, '4 cells: 2 work, 2 broke the lab']);
    const results = JSON.parse(readFileSync(join(folder, 'matrix.json'), 'utf8')) as { cell: { id: string; kind: string; reason?: string } }[];
    const gone = expect.stringMatching(/^(the container of \w+ has stopped, or its engine has|the Docker engine at unix:\S+ does not answer any more)$/) as string;
    expect(results.map(({ cell: { kind, reason } }) => [kind, reason])).toEqual([['works', undefined], ['works', undefined], ['broke', gone], ['broke', gone]]);
    const { status, stdout, stderr } = await started.ended;
    expect(stderr).toMatch(/lab: the (container of \w+ has stopped, or its engine has|Docker engine at unix:\S+ does not answer any more)\n$/);
    expect([status, JSON.parse(stdout)]).toEqual([3, []]);
  });
});

always.each([
  ['unix:///nonexistent/docker.sock', 3, 'no Docker engine answers at unix:///nonexistent/docker.sock: none is running there; start it, or name another one in DOCKER_HOST'],
  ['tcp://127.0.0.1:1', 3, 'no Docker engine answers at tcp://127.0.0.1:1: none is running there; start it, or name another one in DOCKER_HOST'],
  ['ssh://nobody@127.0.0.1:1', 3, 'no Docker engine answers at ssh://nobody@127.0.0.1:1: none is running there'],
  ['nonsense', 3, 'DOCKER_HOST=nonsense: expected something such as unix:///var/run/docker.sock or tcp://192.0.2.1:2375'],
])('with DOCKER_HOST=%s a run says what is wrong', async (host, expected, sentence) => {
  const { status, stderr } = await lab(['detection', '--backend', 'docker'], { DOCKER_HOST: host });
  expect(stderr).toContain(sentence);
  // No package of this machine brings that one back.
  expect(stderr).not.toContain('get it with');
  expect(status).toBe(expected);
});

always('somebody at the other end who is no engine is told from one', async () => {
  const stranger = createServer((socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  const { status, stderr } = await lab(['clean'], { DOCKER_HOST: `tcp://127.0.0.1:${(stranger.address() as AddressInfo).port}` });
  stranger.close();
  expect(stderr).toMatch(/^lab: no Docker engine answers at tcp:/);
  expect(status).toBe(3);
});
