/** Ctrl-C at the terminal of a run: the first leaves with what was learned, the second at once; nothing is left either way. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { nothingLeft } from '../backends/linux/nothing-left.ts';
import { needs } from '../support/needs.ts';
import { onTerminal } from '../support/terminal.ts';
import { argvOf, root } from './lab.ts';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-interruption-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const run = (...words: readonly string[]): readonly string[] => [process.execPath, ...argvOf('run', 'port-float', ...words, '--quiet', '--no-color')];

test('the first: results so far are told and written, and the status is 130', async () => {
  const { said, status } = await onTerminal(run('multi-client', '--set', 'clients=400', '--json', at('results.json')), [['port-float: PASS', '\x03']], { cwd: root });
  expect(said).toContain('interrupted: this is what had been learned by then');
  const results = JSON.parse(readFileSync(at('results.json'), 'utf8')) as { scenario: string; verdict: string; interrupted: boolean }[];
  expect([status, results.map(({ scenario, interrupted }) => [scenario, interrupted]), results[0]!.verdict]).toEqual([130, [['port-float', false], ['multi-client', true]], 'pass']);
});

needs('user namespaces', 'koffi', 'nft', 'tun').test('the second: on namespaces nobody waits for anything, and nothing is left', async () => {
  const mark = `natt-lab-test-${randomUUID()}`;
  const { status } = await onTerminal(run('keepalive', '--backend', 'netns', '--json', at('cut.json')), [['port-float: PASS', '\x03'], ['^C', '\x03']], { cwd: root, env: { ...process.env, MARK: mark } });
  expect(status).toBe(130);
  await nothingLeft(mark);
});
