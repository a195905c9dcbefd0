/** `lab up`: a script, a pipe, and somebody at a terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { endingWithUs } from '../support/ends-with-us.ts';
import { needs } from '../support/needs.ts';
import { onTerminal } from '../support/terminal.ts';
import { argvOf, lab, root } from './lab.ts';

vi.setConfig({ testTimeout: 60_000, maxConcurrency: 3 });

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-up-'));
afterAll(() => rmSync(folder, { recursive: true }));
const written = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test.concurrent('a script shows its lines and what came of them, the same every time', async () => {
  const script = written('demo.lab', '# a demonstration\nconnect alice\n\nwait 10s\nping alice server\nquit\nnever reached\n');
  const [once_, again] = await Promise.all([lab(['up', 'home', '--script', script]), lab(['up', 'home', '--script', script])]);
  expect(once_).toEqual(again);
  expect(once_.stdout).toMatch(/^home {2}A home behind one NAT box, on sim\. Time stands still until you wait\.\nhome 0\.0 s> # a demonstration\nhome 0\.0 s> connect alice\n/);
  expect(once_.stdout).toMatch(/home 0\.0 s> wait 10s\nhome 10\.0 s> ping alice server\n +10\.0\d\d s {2}alice +ping "alice-1": 10\.99\.0\.10 answered after \d+ ms\n$/);
  expect(once_).toMatchObject({ status: 0, stderr: '' });
});

test.concurrent('a script stops at a line that is wrong, with its number and exit status 2', async () => {
  const { status, stdout, stderr } = await lab(['up', 'home', '--script', written('wrong.lab', 'clients\nconect alice\nclients\n')]);
  expect(stderr).toBe(`lab: ${join(folder, 'wrong.lab')}:2: no command "conect"; did you mean "connect"?\n`);
  expect(stdout.match(/> clients/g)).toHaveLength(1);
  expect(status).toBe(2);
});

test.concurrent.each([
  [['up', 'home', '--script', 'no-such.lab'], 2, 'lab: cannot read the script no-such.lab: no such file\n'],
  [['up', 'hme'], 2, 'lab: no topology "hme"; did you mean "home"?\n  A file of your own is named with its path: ./hme.yaml\n'],
  [['up'], 2, 'lab: up what? Name a topology, such as home, or --mininet-topo FILE.py:CLASS\n'],
])('lab %j', async (words, status, stderr) => {
  expect(await lab(words)).toMatchObject({ status, stderr });
});

test.concurrent('a capture that nobody names has the name of the topology, and what was there stays; it is diagnosed as it is', async () => {
  const elsewhere = mkdtempSync(join(folder, 'captures-'));
  const script = written('captured.lab', 'connect alice\nnat reboot\nping gateway alice 3\nwait 5s\ncapture\ncapture\n');
  const child = spawn(...endingWithUs(process.execPath, ...argvOf('up', 'home', '--script', script).map((word) => (word === 'tsx' ? pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href : word))), { cwd: elsewhere, stdio: ['ignore', 'ignore', 'inherit'] });
  const [status] = (await once(child, 'close')) as [number];
  expect(status).toBe(0);
  expect(readdirSync(elsewhere).sort()).toEqual(['home-2.pcapng', 'home-2.pcapng.keys', 'home.pcapng', 'home.pcapng.keys']);
  const diagnosed = await lab(['diagnose', join(elsewhere, 'home.pcapng')]);
  expect(diagnosed.stdout).toContain("✗ The box has lost the mapping: the gateway speaks to a port that is nobody's");
  expect(diagnosed.status).toBe(1);
});

test.concurrent('lines may come through a pipe; the trace has all that they did', async () => {
  const trace = join(folder, 'trace.jsonl');
  const child = spawn(...endingWithUs(process.execPath, ...argvOf('up', 'home', '--trace', trace)), { cwd: root, stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end('connect alice\nnat reboot');
  await once(child, 'close');
  const kinds = readFileSync(trace, 'utf8').trim().split('\n').map((row) => (JSON.parse(row) as { body: { kind: string } }).body.kind);
  expect(kinds.indexOf('child-sa')).toBeGreaterThan(0);
  expect(kinds.indexOf('nat-control')).toBeGreaterThan(kinds.lastIndexOf('child-sa'));
});

needs('python3').test('at a terminal: Tab completes, Ctrl-C breaks off what is at work and clears what is typed, the history is kept, Ctrl-D ends', async () => {
  const env = { ...process.env, XDG_STATE_HOME: folder, NO_COLOR: '1' };
  const { said, status } = await onTerminal([process.execPath, ...argvOf('up', 'home')], [
    ['0.0 s> ', 'con\t'],
    ['nect ', 'al\t'],
    ['ice ', '\r'],
    ['first child SA', ''],
    ['0.0 s> ', 'wait 100000h\r'],
    ['keepalive', '\x03'],
    ['broken off', ''],
    ['s> ', 'never run'],
    ['never run', '\x03'],
    ['s> ', '\x03'],
    ['Ctrl-D takes the lab down', 'network\r'],
    ['office', ''],
    ['s> ', '\x04'],
  ], { cwd: root, env });
  expect(said).toContain('10.99.0.10/24');
  expect(said).not.toContain('no command');
  expect(status).toBe(0);
  expect(readFileSync(join(folder, 'natt-lab', 'history'), 'utf8')).toBe('network\nwait 100000h\nconnect alice \n');
});

needs('user namespaces', 'koffi', 'nft', 'tun', 'ping').test('on netns the machine\'s own programs run on the nodes, through the tunnel', async () => {
  const { status, stdout } = await lab(['up', 'home', '--backend', 'netns', '--script', written('real.lab', 'connect alice\nexec alice ping -c 1 -W 5 10.99.0.10\nexec alice no-such-program\n')]);
  expect(stdout).toContain('1 packets transmitted, 1 received, 0% packet loss');
  expect(stdout).toContain('no-such-program cannot be run: spawn no-such-program ENOENT');
  expect(status).toBe(0);
});

needs('user namespaces', 'koffi', 'nft', 'tun', 'ping').test('an interruption ends the program that a script runs on a node, and the lab', async () => {
  const child = spawn(...endingWithUs(process.execPath, ...argvOf('up', 'home', '--backend', 'netns', '--script', written('endless.lab', 'exec alice ping 203.0.113.2\n'))), { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  for await (const said of child.stdout) if (String(said).includes('bytes from')) child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
});
