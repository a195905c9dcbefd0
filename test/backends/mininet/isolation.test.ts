import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';
import { eventually, nothingLeft, processesOf } from '../linux/nothing-left.ts';
import { asNobody, victimOf } from '../linux/victims.ts';
import type { Victim } from '../linux/victims.ts';

const cli = fileURLToPath(new URL('../../../lab/cli.ts', import.meta.url));

interface Started {
  readonly mark: string;
  readonly pid: number;
  readonly ended: Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** A lesson that takes its time. */
function start(as: readonly string[] = []): Started {
  const mark = `natt-lab-test-${randomUUID()}`;
  const lab = spawn(...endingWithUs(...as, process.execPath, '--import', 'tsx', cli, 'keepalive', '--backend', 'mininet', '--json', '-', '--quiet'), {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', MARK: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) lab[stream].setEncoding('utf8').on('data', (text: string) => (said[stream] += text));
  return { mark, pid: lab.pid!, ended: new Promise((resolve) => lab.once('close', (status) => resolve({ status, ...said }))) };
}

const shellsOf = (mark: string): number[] => processesOf(mark).flatMap(({ pid, command }) => (command.includes('mininet:') ? [pid] : []));
const driverOf = (mark: string): number | undefined => processesOf(mark).find(({ command }) => command.includes('driver.py'))?.pid;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(there: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 100 && !there(); attempt++) await pause(300);
}

/** Until there is a network, and something goes on in it. */
async function underWay(mark: string): Promise<void> {
  await until(() => shellsOf(mark).length >= 4);
  await pause(1000 + Math.random() * 1000);
}

/** The namespaces that its processes are in and ours are not. */
function namespacesOf(mark: string): ReadonlySet<number> {
  const types = ['net', 'mnt', 'pid', 'user'];
  const own = new Set(types.map((type) => readlinkSync(`/proc/self/ns/${type}`)));
  const names = processesOf(mark).flatMap(({ pid }) => types.map((type) => readlinkSync(`/proc/${pid}/ns/${type}`)));
  return new Set(names.filter((name) => !own.has(name)).map((name) => Number(/\d+/.exec(name)![0])));
}

const stillThere = (namespaces: ReadonlySet<number>): readonly unknown[] =>
  (JSON.parse(spawnSync('lsns', ['-J'], { encoding: 'utf8' }).stdout) as { namespaces: { ns: number }[] }).namespaces.filter(({ ns }) => namespaces.has(ns));

needs('root', 'koffi', 'user namespaces', 'setpriv', 'lsns', 'nft', 'tun', 'mininet').describe('kill -9 with a network of mininet\'s up', () => {
  const { test } = needs('mininet');
  const victims: readonly (readonly [who: string, victim: Victim, as: () => readonly string[]])[] = [
    ['root', 'inner', () => []],
    ['nobody', 'outer', () => asNobody(cli)],
  ];

  test.each(victims)('run by %s, of the %s process takes all of it along', { timeout: 60_000 }, async (_, victim, as) => {
    const lab = start(as());
    await underWay(lab.mark);
    const namespaces = namespacesOf(lab.mark);
    expect(namespaces.size).toBeGreaterThanOrEqual(3 + 4); // a mount namespace for each node, too
    process.kill(victimOf(lab.mark, victim, cli)!, 'SIGKILL');
    await lab.ended;
    await nothingLeft(lab.mark);
    await eventually('namespaces', () => stillThere(namespaces));
  });

  test('of the driver ends the lab with a sentence, status 3 and the results so far', { timeout: 60_000 }, async () => {
    const lab = start(asNobody(cli));
    await underWay(lab.mark);
    const namespaces = namespacesOf(lab.mark);
    process.kill(driverOf(lab.mark)!, 'SIGKILL');
    const { status, stdout, stderr } = await lab.ended;
    expect(stderr).toBe('lab: the mininet driver was ended by SIGKILL, and with it the network\n');
    expect(status).toBe(3);
    expect(JSON.parse(stdout)).toEqual([]);
    await nothingLeft(lab.mark);
    await eventually('namespaces', () => stillThere(namespaces));
  });

  test('at any moment while it builds leaves nothing', { timeout: 60_000 }, async () => {
    for (const victim of ['outer', 'driver'] as const) {
      const lab = start(victim === 'outer' ? [] : asNobody(cli));
      await until(() => driverOf(lab.mark) !== undefined);
      await pause(Math.random() * 1500);
      process.kill((victim === 'driver' ? driverOf(lab.mark) : victimOf(lab.mark, victim, cli)) ?? lab.pid, 'SIGKILL');
      await lab.ended;
      await nothingLeft(lab.mark);
    }
  });
});
