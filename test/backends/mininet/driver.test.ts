import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { unshareCommand } from '../../../lab/backends/linux/isolation.ts';
import { MininetDriver } from '../../../lab/backends/mininet/driver.ts';
import { pythonWithMininet, pythons } from '../../../lab/backends/mininet/python.ts';
import { needs } from '../../support/needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-driver-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ownDriver = fileURLToPath(new URL('../../../lab/backends/mininet/driver.py', import.meta.url));

const greeting = '{"protocol": 1, "mininet": "2.3.0", "python": "3.11.2"}';

/** A driver that greets as it should and then does this to the first request. */
async function driverThat(does: string, { greets = greeting }: { readonly greets?: string } = {}): Promise<MininetDriver> {
  const script = join(folder, `${Math.random()}.py`);
  writeFileSync(script, `import os, sys, time\nprint('''${greets}''', flush=True)\nsys.stdin.readline()\n${does}\n`);
  return MininetDriver.start('python3', script);
}

const asked = async (driver: Promise<MininetDriver>, withinMs = 10_000): Promise<unknown> => (await driver).ask('hosts', { names: ['alice'] }, withinMs);

needs('python3').describe('a driver that does not do as it should is ended, and the error says what it did', () => {
  const { test } = needs('python3');
  const problem = (message: RegExp): unknown => expect.objectContaining({ exitStatus: 3, message: expect.stringMatching(message) as string });

  test.each([
    ['prints rubbish', 'print("Segmentation fault", flush=True); time.sleep(60)', /^the mininet driver said what is no answer: Segmentation fault, and with it the network$/],
    ['answers what was not asked', 'print(\'{"answer": {"alice": "none"}}\', flush=True); time.sleep(60)', /^the mininet driver said what is no answer: \{"alice":"none"\}, /],
    ['dies with an exception', 'raise ValueError("no such thing")', /^the mininet driver has ended with status 1, and with it the network\. Its last words:\n(.*\n)*\s+ValueError: no such thing$/],
    ['is killed', 'os.kill(os.getpid(), 9)', /^the mininet driver was ended by SIGKILL, and with it the network$/],
  ])('%s', async (_, does, message) => {
    await expect(asked(driverThat(does))).rejects.toEqual(problem(message));
  });

  test('hangs', async () => {
    await expect(asked(driverThat('time.sleep(60)'), 300)).rejects.toEqual(problem(/^the mininet driver has not answered "hosts" within 0\.3 s, /));
  });

  test('speaks another version', async () => {
    await expect(driverThat('', { greets: greeting.replace('1', '2') })).rejects.toEqual(problem(/^the mininet driver said what is no answer: \{"protocol": 2, /));
  });

  test('speaks unasked: that it is lost shows at once to who waits for other things', async () => {
    const driver = await driverThat('print(\'{"answer": {"alice": 7}}\', flush=True); time.sleep(0.2); print("and another thing", flush=True); time.sleep(60)');
    expect(await driver.ask('hosts', { names: ['alice'] })).toEqual({ alice: 7 });
    await new Promise((resolve) => driver.lost.addEventListener('abort', resolve));
    expect(() => driver.mustLive()).toThrow('the mininet driver said what nobody asked for: and another thing');
  });

  test('cannot be started', async () => {
    await expect(MininetDriver.start('/nonexistent/python3')).rejects.toEqual(problem(/^the mininet driver cannot be started \(.*ENOENT.*\)/));
  });

  test('refuses: an answer like any other, and it goes on', async () => {
    const driver = await driverThat('print(\'{"error": "alice: no room"}\', flush=True); sys.stdin.readline(); print(\'{"answer": {"alice": 7}}\', flush=True); time.sleep(60)');
    await expect(driver.ask('hosts', { names: ['alice'] })).rejects.toEqual(problem(/^mininet: alice: no room$/));
    expect(await driver.ask('hosts', { names: ['alice'] })).toEqual({ alice: 7 });
    driver.end();
  });
});

needs('mininet').describe('the driver itself', () => {
  const { test } = needs('mininet');
  const said = (...lines: readonly string[]): unknown[] => {
    const { stdout } = spawnSync(pythonWithMininet()!.path, ['-B', ownDriver], { input: lines.map((line) => `${line}\n`).join(''), encoding: 'utf8' });
    return stdout.trim().split('\n').map((line) => JSON.parse(line) as unknown);
  };

  test('greets with its version, and refuses what breaks the schema with the place where it does', () => {
    expect(
      said(
        'rubbish',
        '{"ask": "dance", "about": {}}',
        '{"ask": "hosts"}',
        '{"ask": "hosts", "about": {"names": "alice"}}',
        '{"ask": "hosts", "about": {"names": ["alice", 7]}}',
        '{"ask": "hosts", "about": {"names": [], "more": 1}}',
        '{"ask": "wire", "about": {"segments": [{"name": "home", "mtu": true}], "cables": [], "routes": []}}',
        '{"ask": "stop", "about": {}}',
      ),
    ).toEqual([
      { protocol: 1, mininet: expect.any(String) as string, python: expect.any(String) as string },
      { error: 'no request: rubbish' },
      { error: 'no request: {"ask": "dance", "about": {}}' },
      { error: 'no request: {"ask": "hosts"}' },
      { error: 'hosts.names: expected a list, not "alice"' },
      { error: 'hosts.names[1]: expected str, not 7' },
      { error: 'hosts: expected names, not {"names": [], "more": 1}' },
      { error: 'wire.segments[0].mtu: expected int, not true' },
      { answer: null },
    ]);
  });

  test('ends when nobody speaks to it any more', () => {
    expect(said()).toHaveLength(1);
  });
});

needs('mininet', 'user namespaces').test('links that are slow and lossy are mininet\'s TCLinks: the same tc command, and its complaint is a refusal', () => {
  const tc = (does: string): { readonly answers: unknown[]; readonly said: string } => {
    const tools = mkdtempSync(join(folder, 'tc-'));
    writeFileSync(join(tools, 'tc'), `#!/bin/sh\necho "$@" >> ${tools}/said\n${does}\n`, { mode: 0o755 });
    const [unshare = '', ...argv] = unshareCommand();
    const impairment = { delay: 2000, jitter: 500, loss: 10_000 };
    const { stdout } = spawnSync(unshare, [...argv, pythonWithMininet()!.path, '-B', ownDriver], {
      input: [
        { ask: 'hosts', about: { names: ['alice'] } },
        { ask: 'wire', about: { segments: [{ name: 'home', mtu: 1400 }], cables: [{ host: 'alice', interface: 'eth0', addresses: ['10.0.0.1/24', 'fd00::1/64'], segment: 'home', port: 'home-1', impairment }], routes: [] } },
        { ask: 'stop', about: {} },
      ].map((request) => `${JSON.stringify(request)}\n`).join(''),
      encoding: 'utf8',
      env: { ...process.env, PATH: `${tools}:${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    });
    return { answers: stdout.trim().split('\n').slice(2).map((line) => JSON.parse(line) as unknown), said: readFileSync(join(tools, 'said'), 'utf8') };
  };
  const willing = tc('true');
  expect(willing.answers).toEqual([{ answer: null }, { answer: null }]);
  expect(willing.said).toMatch(/^qdisc add dev eth0 root handle 10: netem delay 2000us 500us loss 1\.00000\s*$/m);
  expect(tc('echo Error: Specified qdisc kind is unknown.').answers).toEqual([{ error: expect.stringMatching(/^alice: eth0: Error: Specified qdisc kind is unknown\./) as string }, { answer: null }]);
});

test('Debian\'s Python is tried before those of the PATH, each once, and only where there is one', () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'python3'), '');
  expect(pythons(`${bin}:/nonexistent::/usr/bin:${bin}`)).toEqual([...(existsSync('/usr/bin/python3') ? ['/usr/bin/python3'] : []), join(bin, 'python3')]);
});
