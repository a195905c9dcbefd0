import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test as anywhere } from 'vitest';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';
import { onTerminal } from '../../support/terminal.ts';
import { nothingLeft } from '../linux/nothing-left.ts';

const cli = fileURLToPath(new URL('../../../lab/cli.ts', import.meta.url));
const command = (...words: readonly string[]): string[] => [process.execPath, '--import', 'tsx', cli, ...words];
const onMininet = command('detection', '--set', 'position=initiator', '--backend', 'mininet', '--quiet', '--no-color', '--cli');

needs('user namespaces', 'koffi', 'nft', 'tun', 'ping', 'mininet').describe('mininet\'s prompt, when the lesson is over', () => {
  const { test } = needs('mininet');

  needs('python3').test('on a terminal: Ctrl-C ends what runs at a node and nothing else, exit ends the lab, and the terminal is as it was', { timeout: 60_000 }, async () => {
    const { said, status } = await onTerminal(
      ['sh', '-c', 'before=$(stty -g); "$@"; status=$?; [ "$before" = "$(stty -g)" ] && exit $status; echo terminal spoilt; exit 99', 'sh', ...onMininet],
      [
        ['mininet> ', 'alice ping 10.99.0.10\n'],
        ['bytes from 10.99.0.10', '\u0003'],
        ['mininet> ', 'alice ping 10.99.0.10\n'],
        ['bytes from 10.99.0.10', '\u0003'],
        ['mininet> ', 'exit\n'],
      ],
    );
    expect(said).toMatch(/mininet's prompt, on the network of the act "no-nat-t", which goes on\. Try: alice ping -c 3 10\.99\.0\.10\./);
    expect(said.match(/\d+ packets transmitted, [1-9]/g)).toHaveLength(2);
    expect(said).toMatch(/detection: PASS {2}13 checks: 13 passed \(mininet, /);
    expect(status).toBe(0);
  });

  test('a script is run instead, on standard error where standard output is for JSON', { timeout: 60_000 }, async () => {
    const { stdout, stderr, exitCode } = await execa(...endingWithUs(...onMininet, '--json', '-'), { input: 'nodes\nalice ping -c 1 gateway\nalice ping -c 1 10.99.0.10\n', reject: false });
    expect((JSON.parse(stdout) as { verdict: string }[]).map(({ verdict }) => verdict)).toEqual(['pass']);
    expect(stderr).toContain('alice box gateway home internet office server');
    expect(stderr).toMatch(/from 203\.0\.113\.2: icmp_seq=1 [^]*from 10\.99\.0\.10: icmp_seq=1 /);
    expect(exitCode).toBe(0);
  });

  test('an interruption ends it, whatever runs there', { timeout: 60_000 }, async () => {
    const mark = `natt-lab-test-${randomUUID()}`;
    const lab = spawn(...endingWithUs(...onMininet), { env: { PATH: process.env.PATH, HOME: '/nonexistent', MARK: mark }, stdio: ['pipe', 'pipe', 'inherit'] });
    lab.stdin.end('alice ping 10.99.0.10\n');
    let said = '';
    lab.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!said.includes('bytes from') && (said + text).includes('bytes from')) lab.kill('SIGINT');
      said += text;
    });
    const [status] = (await once(lab, 'close')) as [number];
    expect(status).toBe(130);
    await nothingLeft(mark);
  });
});

describe('where there can be no prompt a sentence says why, with status 2', () => {
  anywhere.each([
    [['detection', '--cli'], '--cli: sim has no prompt of its own; --backend mininet has one'],
    [['--cli', '--backend', 'mininet'], '--cli: the prompt comes when the lesson is over; name one lesson'],
    [['detection', '--cli', '--backend', 'mininet'], '--cli: standard input is no terminal, and no script is piped in: leave standard input alone, or give it commands of mininet\'s prompt'],
  ])('lab %j', async (words, message) => {
    const { stderr, exitCode } = await execa(...endingWithUs(...command(...words)), { stdin: 'ignore', reject: false });
    expect(stderr).toBe(`lab: ${message}`);
    expect(exitCode).toBe(2);
  });
});
