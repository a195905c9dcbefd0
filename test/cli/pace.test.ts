/** `--pace`: the lesson waits at each step for somebody at a terminal. */
import { expect, vi } from 'vitest';
import { test } from 'vitest';
import { needs } from '../support/needs.ts';
import { onTerminal } from '../support/terminal.ts';
import { argvOf, lab, root } from './lab.ts';

vi.setConfig({ testTimeout: 60_000 });

const paced = [process.execPath, ...argvOf('forced-encapsulation', '--pace', '--no-color')];

const invitations = (said: string): number => said.split('Enter goes on').length - 1;

needs('python3').test('each step waits for Enter, which takes the invitation away', async () => {
  const { said, status } = await onTerminal(paced, Array.from({ length: 20 }, () => ['Enter goes on', '\r'] as const), { cwd: root });
  expect(invitations(said)).toBe(said.split(' lab      ').length - 1);
  expect(said.split('\u001b[A\u001b[2K').length - 1).toBe(invitations(said));
  expect(said).toContain('forced-encapsulation: PASS');
  expect(status).toBe(0);
});

needs('python3').test('Ctrl-C at a step ends the lesson with what was learned so far', async () => {
  const { said, status } = await onTerminal(paced, [['Enter goes on', '\x03']], { cwd: root });
  expect(invitations(said)).toBe(1);
  expect(said).toContain('interrupted: this is what had been learned by then');
  expect(status).toBe(130);
});

test.each([
  [['detection', '--pace'], '--pace waits for somebody who presses Enter, and this is no terminal'],
  [['detection', '--pace', '--quiet'], '--pace has no story to work on with --quiet; leave one of them out'],
  [['detection', '--explain', '--quiet'], '--explain has no story to work on with --quiet; leave one of them out'],
])('lab %j is refused', async (words, why) => {
  expect(await lab(words)).toEqual({ status: 2, stdout: '', stderr: `lab: ${why}\n` });
});
