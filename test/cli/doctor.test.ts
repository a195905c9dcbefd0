/** `lab doctor --install`: an apt-get that only notes what it is asked for, on a PATH with nothing else on it, so that something is missing. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { TestContext } from 'vitest';
import { aptGet, mustBeDebian } from '../../lab/debian.ts';
import { needs } from '../support/needs.ts';
import { onTerminal } from '../support/terminal.ts';
import { argvOf, lab, root } from './lab.ts';

// Each test starts a process or two, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000, maxConcurrency: 3 });

/** A PATH with `apt-get` alone: what it is told is in `told`, and its exit status is the one given. */
function onlyAptGet(onTestFinished: TestContext['onTestFinished'], script = 'exit 0'): { path: string; told: () => string | undefined } {
  const path = mkdtempSync(join(tmpdir(), 'natt-lab-apt-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  writeFileSync(join(path, 'apt-get'), `#!/bin/sh\necho "$@" >> ${path}/told\n${script}\n`);
  chmodSync(join(path, 'apt-get'), 0o755);
  symlinkSync(process.execPath, join(path, 'node'));
  return { path, told: () => (existsSync(join(path, 'told')) ? readFileSync(join(path, 'told'), 'utf8') : undefined) };
}

const line = /^ {2}(?:sudo )?apt-get install --yes --no-install-recommends (.*\butil-linux\b.*)$/m;

needs('linux', 'debian', 'root').describe.concurrent('what is missing', () => {
  test('is shown as one command that names each package once, run with --yes, and then looked for again', async ({ onTestFinished, expect }) => {
    const { path, told } = onlyAptGet(onTestFinished);
    const { status, stdout, stderr } = await lab(['doctor', '--install', '--yes'], { PATH: path });
    const [, packages] = line.exec(stdout)!;
    expect(told()).toBe(`install --yes --no-install-recommends ${packages}\n`);
    expect(packages!.split(' ')).toEqual([...new Set(packages!.split(' '))]);
    expect(stdout.indexOf('✗ netns')).toBeGreaterThan(stdout.indexOf('util-linux'));
    expect([status, stderr]).toEqual([0, '']);
  });

  test('is not installed where nobody can be asked', async ({ onTestFinished, expect }) => {
    const { path, told } = onlyAptGet(onTestFinished);
    const { status, stderr } = await lab(['doctor', '--install'], { PATH: path });
    expect(stderr).toContain('standard input is no terminal: say --yes');
    expect([status, told()]).toEqual([2, undefined]);
  });

  test('with --json leaves standard output to the JSON', async ({ onTestFinished, expect }) => {
    const { path } = onlyAptGet(onTestFinished, 'echo Reading package lists');
    const { stdout, stderr } = await lab(['doctor', '--install', '--yes', '--json'], { PATH: path });
    const reports = JSON.parse(stdout) as { requirements: { name: string; packages?: string[] }[] }[];
    expect(reports.flatMap(({ requirements }) => requirements).find(({ name }) => name === 'unshare')).toMatchObject({ present: false, packages: ['util-linux'] });
    expect(stderr).toMatch(/apt-get install[^]*Reading package lists/);
  });

  test('and not to be had gives the status of apt-get and the next step, and exits 3', async ({ onTestFinished, expect }) => {
    const { path } = onlyAptGet(onTestFinished, 'exit 100');
    const { status, stderr } = await lab(['doctor', '--install', '--yes'], { PATH: path });
    expect(stderr).toContain('apt-get ended with status 100. A package that it cannot find may be in lists that are newer: apt-get update');
    expect(status).toBe(3);
  });
});

needs('linux', 'debian', 'root', 'python3').test.concurrent.for([
  ['y\n', true],
  ['\n', false],
  ['\x04', false],
  ['\x03', false],
] as const)('at a terminal it asks first: the answer %j installs: %s', async ([answer, installs], { onTestFinished, expect }) => {
  const { path, told } = onlyAptGet(onTestFinished);
  const { said, status } = await onTerminal(['env', `PATH=${path}`, process.execPath, ...argvOf('doctor', '--install')], [['[y/N]', answer]], { cwd: root });
  expect(told() !== undefined).toBe(installs);
  expect(said.includes('Nothing was installed.')).toBe(!installs);
  expect(said).toMatch(/netns.* cannot run here/);
  expect(status).toBe(0);
});

describe('elsewhere', () => {
  test.each([
    ['ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"'],
    ['ID=ubuntu\nID_LIKE=debian'],
    ['ID=linuxmint\nID_LIKE="ubuntu debian"'],
  ])('%j has these packages', (osRelease) => expect(() => mustBeDebian(osRelease, ['nftables'])).not.toThrow());

  test.each([
    ['PRETTY_NAME="Fedora Linux 40"\nID=fedora', 'this is Fedora Linux 40. There they are called nftables, util-linux'],
    ['ID="debianesque"', 'this is debianesque'],
    [undefined, `this is ${process.platform}`],
  ])('%j has others, which the refusal says', (osRelease, says) => expect(() => mustBeDebian(osRelease, ['nftables', 'util-linux'])).toThrow(says));

  test('who is not root asks sudo', () => expect(aptGet(['nftables'], false).slice(0, 3)).toEqual(['sudo', 'apt-get', 'install']));
});

test('--yes without --install is refused', async () => {
  const { status, stderr } = await lab(['doctor', '--yes']);
  expect([status, stderr]).toEqual([2, 'lab: --yes answers what --install asks; say --install as well\n']);
});

needs('linux').test('what is there is said once, though several backends want it', async () => {
  const { status, stdout } = await lab(['doctor'], { DOCKER_HOST: '' });
  const said = stdout.split('\n').filter((one) => /^ {4}✓ (?!as for)/.test(one));
  expect(said).toEqual([...new Set(said)]);
  const { requirements } = (JSON.parse((await lab(['doctor', '--json'])).stdout) as { backend: string; requirements: { name: string; present: boolean }[] }[]).find(({ backend }) => backend === 'mininet')!;
  const common = requirements.slice(0, 9).filter(({ present }) => present);
  expect(stdout).toContain(`✓ as for netns: ${common.map(({ name }) => name).join(', ')}\n`);
  expect(stdout).toContain(' at unix:///var/run/docker.sock');
  expect(status).toBe(0);
});
