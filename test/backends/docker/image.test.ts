/** What an engine on another machine builds, as far as that can be seen without a registry. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildContext } from '../../../lab/backends/docker/image.ts';
import { root } from '../../cli/lab.ts';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';

const contentOf = async (name: string): Promise<string> => {
  const found = (await buildContext()).find((one) => one.name === name);
  if (found?.kind !== 'file') throw new Error(`no ${name} in the context`);
  return Buffer.from(found.content).toString();
};

test('the context has all that the Dockerfile copies', async () => {
  const copied = Array.from((await contentOf('Dockerfile')).matchAll(/^COPY (\S+) /gm), ([, name]) => name);
  const there = (await buildContext()).map(({ name }) => name);
  expect(copied).toEqual(['package.json', 'agent.mjs']);
  expect(there).toEqual(expect.arrayContaining(copied));
});

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
