/** `--pace`: the story of a lesson waits at each step for somebody at a terminal. */
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
  const [steps, acts] = [said.split('══').length - 1, said.split('on the topology').length - 1];
  expect([steps, acts]).toEqual([4, 4]);
  expect(invitations(said)).toBe(steps + acts); // at each step, and when the act is over
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

needs('python3', 'user namespaces', 'koffi', 'nft', 'tun').test('the demonstration of the README, an act of it, on the kernel\'s own NAT', async () => {
  const demonstration = [process.execPath, ...argvOf('passthrough', '--pace', '--explain', '--backend', 'netns', '--act', 'start-on-4500', '--no-color')];
  const { said, status } = await onTerminal(demonstration, Array.from({ length: 20 }, () => ['Enter goes on', '\r'] as const), { cwd: root, env: { ...process.env, COLUMNS: '100' } });
  const shown = said.replaceAll('\r', '').split('\n');
  expect(shown.find((line) => line.includes('══'))).toMatch(/ s ══ Both start at the same moment, from 4500 to 4500/);
  expect(shown.filter((line) => /│ 4500 ─+► 4500 │ \d+ ─+► 4500 │$/.test(line)).length).toBeGreaterThanOrEqual(4); // two messages of each client
  expect(said).toContain('What comes back to them goes in; what fits no mapping has nowhere to go.');
  expect(said).toContain('RFC 4787 §4.1');
  expect(invitations(said)).toBe(2);
  expect(said).toMatch(/passthrough: PASS {2}\d checks: \d passed \(netns/);
  expect(status).toBe(0);
});

test.each([
  [['detection', '--pace'], '--pace waits for somebody who presses Enter, and this is no terminal'],
  [['detection', '--pace', '--quiet'], '--pace has no story to work on with --quiet; leave one of them out'],
  [['detection', '--ladder', '--quiet'], '--ladder has no story to work on with --quiet; leave one of them out'],
  [['detection', '--explain', '--quiet'], '--explain has no story to work on with --quiet; leave one of them out'],
])('lab %j is refused', async (words, why) => {
  expect(await lab(words)).toEqual({ status: 2, stdout: '', stderr: `lab: ${why}\n` });
});
