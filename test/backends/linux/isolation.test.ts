import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { explainRefusal } from '../../../lab/backends/linux/isolation.ts';
import { createNamespace } from '../../../lab/backends/linux/namespace.ts';
import { probe } from '../../../lab/backends/linux/probe.ts';
import { endingWithUs } from '../../support/ends-with-us.ts';
import { needs } from '../../support/needs.ts';
import { onTerminal } from '../../support/terminal.ts';
import { eventually, nothingLeft } from './nothing-left.ts';
import { Inbox } from './two-hosts.ts';
import { asNobody, victimOf } from './victims.ts';

const labLike = fileURLToPath(new URL('lab-like.ts', import.meta.url));

interface Started {
  readonly mark: string;
  readonly outer: ChildProcess;
  readonly lines: Inbox<Record<string, unknown>>;
  readonly errors: () => string;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

function start(act: string, { as = [], argv = [] }: { readonly as?: readonly string[]; readonly argv?: readonly string[] } = {}): Started {
  const mark = `natt-lab-test-${randomUUID()}`;
  // env without VITEST's own loader options; the mark is how its processes are found again
  const outer = spawn(...endingWithUs(...as, process.execPath, '--import', 'tsx', labLike, ...argv), { env: { PATH: process.env.PATH, HOME: '/nonexistent', ACT: act, MARK: mark }, stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = new Inbox<Record<string, unknown>>();
  let [said, complaint] = ['', ''];
  outer.stdout.on('data', (chunk: Buffer) => {
    const parts = (said + chunk.toString()).split('\n');
    said = parts.pop() ?? '';
    for (const line of parts) lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  outer.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => outer.once('close', (code, signal) => resolve({ code, signal })));
  return { mark, outer, lines, errors: () => complaint, ended };
}

needs('root', 'koffi', 'user namespaces', 'setpriv', 'ip', 'lsns', 'tun').describe('kill -9', () => {
  /**
   * Ties a cable from a namespace of the test's to each namespace of the lab's. A cable lives only as long as both its namespaces: what is left
   * at our end says which of the lab's have not been taken down.
   */
  function witness(inner: number, descriptors: readonly number[]): () => readonly unknown[] {
    const namespace = createNamespace();
    const paths = [`/proc/${inner}/ns/net`, ...descriptors.map((fd) => `/proc/${inner}/fd/${fd}`)];
    paths.forEach((path, i) => namespace.run('ip', ['link', 'add', `w${i}`, 'type', 'veth', 'peer', 'name', `x${i}`, 'netns', path]));
    const cables = () => namespace.inside(() => readFileSync('/proc/thread-self/net/dev', 'utf8')).match(/\bw\d+(?=:)/g) ?? [];
    expect(cables()).toHaveLength(22);
    return cables;
  }

  for (const [who, as] of [['root', () => []], ['nobody', () => asNobody(labLike)]] as const) {
    for (const victim of ['outer', 'unshare', 'inner'] as const) {
      test(`of the ${victim} process, run by ${who} with traffic under way, takes all namespaces, processes and files with it`, { timeout: 30_000 }, async () => {
        const lab = start('network', { as: as() });
        const { namespaces, descriptors } = (await lab.lines.next()) as { namespaces: string[]; descriptors: number[] };
        const inner = victimOf(lab.mark, 'inner', labLike)!;
        const own = new Set(['net', 'mnt', 'pid', 'user'].map((type) => readlinkSync(`/proc/self/ns/${type}`)));
        const numbers = namespaces.filter((name) => !own.has(name)).map((name) => Number(/\d+/.exec(name)![0]));
        expect(numbers).toHaveLength(who === 'root' ? 3 : 4);
        const cables = witness(inner, descriptors);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));

        process.kill(victimOf(lab.mark, victim, labLike)!, 'SIGKILL');

        const { code, signal } = await lab.ended;
        expect(victim === 'outer' ? signal : code).toBe(victim === 'outer' ? 'SIGKILL' : 137);
        await nothingLeft(lab.mark);
        await eventually('network namespaces', cables);
        // what has ended but was not yet fetched by the machine's process 1 still stands in its namespaces for a while
        await eventually('namespaces', () => {
          const { namespaces: all } = JSON.parse(spawnSync('lsns', ['-J'], { encoding: 'utf8' }).stdout) as { namespaces: { ns: number }[] };
          return all.filter(({ ns }) => numbers.includes(ns));
        });
      });
    }
  }

  test('of the outer process ends the inner one even if that has stopped and cannot see the life-line break', { timeout: 30_000 }, async () => {
    const lab = start('network');
    await lab.lines.next();
    process.kill(victimOf(lab.mark, 'inner', labLike)!, 'SIGSTOP');
    process.kill(victimOf(lab.mark, 'outer', labLike)!, 'SIGKILL');
    await lab.ended;
    await nothingLeft(lab.mark);
  });

  test('at any moment while it starts leaves nothing', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 9; round++) {
      const victim = (['outer', 'unshare', 'inner'] as const)[round % 3]!;
      const lab = start('network', { as: round < 5 ? [] : asNobody(labLike) });
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 900));
      // unshare and the inner one may not be there yet: then it is the outer one's turn
      process.kill(victimOf(lab.mark, victim, labLike) ?? lab.outer.pid!, 'SIGKILL');
      await lab.ended;
      await nothingLeft(lab.mark);
    }
  });
});

needs('koffi', 'user namespaces', 'setpriv').describe('the two processes behave as one', () => {
  test('arguments, standard input, output, error and exit status pass through', async () => {
    const lab = start('status', { argv: ['detection', '--json', '-'] });
    lab.outer.stdin!.write('hello\n');
    expect(await lab.lines.next()).toMatchObject({ heard: 'hello', argv: ['detection', '--json', '-'] });
    expect((await lab.ended).code).toBe(7);
    expect(lab.errors()).toBe('to standard error\n');
    await nothingLeft(lab.mark);
  });

  test('an interrupt reaches the inner one once, which ends in its own way', async () => {
    const lab = start('clean');
    await lab.lines.next();
    lab.outer.kill('SIGINT');
    expect(await lab.lines.next()).toMatchObject({ interrupts: 1 });
    expect((await lab.ended).code).toBe(130);
  });

  test('without a handler a signal ends it as it ends any program', async () => {
    const lab = start('careless');
    await lab.lines.next();
    lab.outer.kill('SIGTERM');
    expect((await lab.ended).code).toBe(143);
  });

  test('the second interrupt ends at once what does not want to end, which was interrupted like any other', async () => {
    const lab = start('stubborn');
    await lab.lines.next();
    lab.outer.kill('SIGINT');
    expect(await lab.lines.next()).toEqual({ ignored: true });
    lab.outer.kill('SIGINT');
    expect((await lab.ended).code).toBe(130);
    await nothingLeft(lab.mark);
  });

  needs('python3').test('on a terminal the inner one sees a terminal, and Ctrl-C arrives once', { timeout: 20_000 }, async () => {
    const result = await onTerminal([process.execPath, '--import', 'tsx', labLike], [['ready', '\x03']], { env: { PATH: process.env.PATH, HOME: '/nonexistent', ACT: 'clean' } });
    expect(result.said).toContain('{"interrupts":1,"terminal":true}');
    expect(result.status).toBe(130);
  });
});

needs('root', 'koffi', 'user namespaces', 'setpriv').describe('user namespaces', () => {
  test('are used where the caller has no power to make namespaces, and only there', async () => {
    const byRoot = start('capabilities');
    expect(await byRoot.lines.next()).toMatchObject({ map: ['0', '0', '4294967295'] });
    const byNobody = start('capabilities', { as: asNobody(labLike) });
    expect(await byNobody.lines.next()).toMatchObject({ map: ['0', expect.stringMatching(/^(0|65534)$/), '1'] });
    await Promise.all([byRoot.ended, byNobody.ended]);
  });

  test('when the system forbids them, the error says which setting does and how to change it, and the exit status is 3', async () => {
    // A user namespace of its own, in which none may be made, and nothing left of root's powers.
    const forbidden = ['unshare', '--user', '--map-root-user', 'sh', '-c', 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -all --inh-caps -all "$@"', 'sh'];
    const lab = start('careless', { as: forbidden });
    expect((await lab.ended).code).toBe(3);
    expect(lab.errors()).toBe('this system forbids user namespaces (user.max_user_namespaces is 0): sudo sysctl -w user.max_user_namespaces=15000, or run the lab as root\n');
  });
});

describe('the explanation of a refusal', () => {
  const files = (content: Record<string, string>) => (path: string) => content[path];

  test.each([
    ['/proc/sys/kernel/unprivileged_userns_clone', '0\n', 'sudo sysctl -w kernel.unprivileged_userns_clone=1'],
    ['/proc/sys/user/max_user_namespaces', '0\n', 'sudo sysctl -w user.max_user_namespaces=15000'],
    ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1\n', 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'],
  ])('%s is named with the command that changes it', (path, value, command) => {
    expect(explainRefusal('Operation not permitted', files({ [path]: value }))).toContain(command);
  });

  test('without such a setting the words of unshare are handed on, with the two ways out', () => {
    const sentence = explainRefusal('unshare: unshare failed: Operation not permitted', files({ '/proc/sys/user/max_user_namespaces': '96365\n' }));
    expect(sentence).toBe('this system does not let the lab make namespaces (unshare: unshare failed: Operation not permitted); in a container run it with --privileged, elsewhere as root');
  });
});

test('the probe reports every need with what it is for, and a way to get what is missing', () => {
  const findings = probe();
  expect(findings.map(({ what }) => what)).toEqual(['unshare', 'setpriv', 'nft', 'ip', 'conntrack', 'koffi', 'namespaces', '/dev/net/tun', 'kernel NAT']);
  for (const { ok, detail, remedy } of findings) {
    expect(detail).not.toBe('');
    expect(remedy !== undefined).toBe(!ok);
  }
});
