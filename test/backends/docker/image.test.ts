/** What an engine on another machine builds, from a base that stands in for one from a registry: programs of this machine with the libraries that they name. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildContext } from '../../../lab/backends/docker/image.ts';
import { lab, root } from '../../cli/lab.ts';
import { importBase } from '../../support/base-image.ts';
import { startEngine } from '../../support/docker-engine.ts';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';

const contentOf = async (name: string): Promise<string> => {
  const found = (await buildContext()).find((one) => one.name === name);
  if (found?.kind !== 'file') throw new Error(`no ${name} in the context`);
  return Buffer.from(found.content).toString();
};

test('it names the very koffi that the agent was tried with', async () => {
  expect(JSON.parse(await contentOf('package.json'))).toEqual({ private: true, dependencies: { koffi: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string } });
});

needs('koffi', 'linux').test('the agent is one file that runs with koffi beside it, says what time it is, and ends with its input', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'natt-lab-agent-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'agent.mjs'), await contentOf('agent.mjs'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const agent = spawn(...endingWithUs(process.execPath, join(folder, 'agent.mjs')), { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  agent.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
  agent.stdin.end('{"kind":"hello","id":7,"version":1}\n{"kind":"mappings","id":8}\n');
  const [status] = (await once(agent, 'close')) as [number];
  const [hello, mappings] = said.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(hello).toMatchObject({ kind: 'answer', id: 7, value: { clock: expect.any(Number) as number } });
  expect(mappings).toMatchObject({ kind: 'refusal', id: 8, why: expect.stringContaining('does not play yet') as string });
  expect(status).toBe(0);
});

const inEngine = needs('dockerd', 'koffi', 'tun', 'nft', 'ip', 'conntrack', 'ping');

inEngine.test('an engine builds the image to its end from a base that is named, without any registry, and a lesson passes in it', { timeout: 120_000 }, async () => {
  await using engine = await startEngine();
  const env = { DOCKER_HOST: engine.host, NATT_LAB_BASE_IMAGE: 'my/base:1' };
  const without = await lab(['forced-encapsulation', '--backend', 'docker', '--quiet'], env);
  expect(without.stderr).toMatch(/^lab: the engine cannot build the image of the lab's nodes: [^]+\n {2}NATT_LAB_BASE_IMAGE=my\/base:1 is to name an image that the engine has or can pull/);
  expect(without.status).toBe(3);

  await importBase(engine.docker, 'my/base', '1');
  const { status, stdout, stderr } = await lab(['forced-encapsulation', '--backend', 'docker', '--quiet'], env, 90_000);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^forced-encapsulation: PASS/);
  expect(status).toBe(0);
  expect((await engine.docker.listImages()).flatMap(({ RepoTags }) => RepoTags).sort()).toEqual(['my/base:1', 'natt-lab/node:built']);
  const { Config } = await engine.docker.getImage('natt-lab/node:built').inspect();
  expect(Config.WorkingDir).toBe('/natt-lab');
});
