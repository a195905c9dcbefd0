/** What somebody may do to a running lab in containers: run programs on its nodes, cut its segments and mend them. */
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { docker } from '../../../lab/backends/docker/backend.ts';
import type { Exit, Lab } from '../../../lab/backends/backend.ts';
import { loadTopology } from '../../../lab/topology/load.ts';
import { planTopology } from '../../../lab/topology/plan.ts';
import { TraceLog } from '../../../src/trace/trace.ts';
import { startEngine } from '../../support/docker-engine.ts';
import type { TestEngine } from '../../support/docker-engine.ts';
import { needs } from '../../support/needs.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

const { describe, test } = needs('dockerd', 'koffi', 'tun', 'nft', 'ping');

describe('in containers', () => {
  let engine: TestEngine;
  let lab: Lab;
  beforeAll(async () => {
    engine = await startEngine();
    vi.stubEnv('DOCKER_HOST', engine.host);
    lab = await docker.open(planTopology(loadTopology('direct')).plan, { seed: 1, trace: new TraceLog() });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
  });

  test('a program is heard while it runs, and ends with what it has started when it is broken off', async () => {
    const heard: string[] = [];
    const ctrlC = new AbortController();
    const ended = lab.exec!('alice', ['sh', '-c', 'echo said at once; sleep 1000 | cat'], {
      signal: ctrlC.signal,
      hear: (text) => {
        heard.push(text);
        ctrlC.abort();
      },
    });
    expect(await ended).toEqual({ status: 137, stdout: 'said at once\n', stderr: '' });
    expect(heard).toEqual(['said at once\n']);
    expect((await lab.exec!('alice', ['sh', '-c', 'grep -la "^sleep" /proc/[0-9]*/cmdline'])).stdout).toBe('');
    expect(await lab.exec!('alice', ['sleep', '1000'], { signal: AbortSignal.abort() })).toMatchObject({ status: 137 });
  });

  test('two programs at once are told apart; one that is not there ends with 127, as a shell says it', async () => {
    const heard = new Map<string, string>();
    const run = (name: string, ...argv: string[]): Promise<Exit> => lab.exec!('alice', argv, { hear: (text) => heard.set(name, text) });
    const exits = await Promise.all([run('a', 'sh', '-c', 'echo a >&2; exit 3'), run('b', 'echo', 'b'), run('c', 'no-such-program')]);
    expect(exits).toMatchObject([{ status: 3, stderr: 'a\n' }, { status: 0, stdout: 'b\n' }, { status: 127 }]);
    expect([...heard]).toEqual(expect.arrayContaining([['a', 'a\n'], ['b', 'b\n']]));
  });

  test('a segment that is cut lets nothing pass until it is mended', async () => {
    const ping = async (): Promise<number> => (await lab.exec!('alice', ['ping', '-c', '1', '-W', '1', '203.0.113.1'])).status;
    expect(await ping()).toBe(0);
    await lab.link('internet', 'down');
    expect(await ping()).toBe(1);
    await lab.link('internet', 'up');
    expect(await ping()).toBe(0);
  });

  test('a node finds the container that it was in before, and finds it like a new one', async () => {
    const { plan } = planTopology(loadTopology('home'));
    const containers = async (): Promise<string[]> => (await engine.docker.listContainers({ filters: { label: ['natt-lab.run'] } })).map(({ Id }) => Id).sort();
    const inTurn = async (natEngine: 'kernel' | 'machine', act: (box: (...argv: string[]) => Promise<string>, its: Lab) => Promise<unknown>): Promise<void> => {
      await using its = await docker.open(plan, { seed: 1, trace: new TraceLog(), natEngine });
      await act(async (...argv) => {
        const { status, stdout, stderr } = await its.exec!('box', argv);
        expect({ argv, status, stderr }).toEqual({ argv, status: 0, stderr: '' });
        return stdout;
      }, its);
    };
    const states: string[] = [];
    const look = ['sh', '-c', 'ip -br address; ip rule; ip -6 rule; ip route show table all; nft list ruleset; conntrack -L -p icmp 2>/dev/null; find /proc/sys/net -perm -600 -exec grep -H "" {} + 2>/dev/null; true'];
    await inTurn('kernel', async (box, its) => {
      states.push(await box(...look));
      expect((await its.exec!('alice', ['ping', '-c', '1', '-W', '2', '203.0.113.2'])).status).toBe(0);
      expect(await box('sh', '-c', 'conntrack -L 2>/dev/null')).toContain('icmp');
      await box('sysctl', '-qw', 'net.ipv4.ip_default_ttl=9', 'net.ipv4.conf.all.rp_filter=1');
      await box('ip', 'link', 'add', 'somewhere', 'type', 'bridge');
      await its.link('home', 'down');
    });
    const before = await containers();
    await inTurn('machine', (box) => box('ip', '-6', 'rule', 'add', 'pref', '7', 'table', '7'));
    await inTurn('kernel', async (box) => states.push(await box(...look)));
    expect(states[1]).toBe(states[0]);
    expect(states[0]).toContain('/proc/sys/net/ipv4/ip_forward:1\n');
    expect(await containers()).toEqual(before);
  });

  test('one that has died meanwhile is replaced', async () => {
    const { plan } = planTopology(loadTopology('home'));
    const open = async (): Promise<Lab> => docker.open(plan, { seed: 1, trace: new TraceLog() });
    const boxes = async (): Promise<string[]> => (await engine.docker.listContainers({ filters: { name: ['-box$'] } })).map(({ Id }) => Id);
    await (await open())[Symbol.asyncDispose]();
    const [dead] = await boxes();
    await engine.docker.getContainer(dead!).kill();
    await vi.waitFor(async () => expect(await boxes()).toEqual([]), { timeout: 10_000 });
    await using its = await open();
    expect((await its.exec!('alice', ['ping', '-c', '1', '-W', '2', '203.0.113.2'])).status).toBe(0);
    expect(await boxes()).toHaveLength(1);
  });

  test('what a segment would do to packets on the way cannot be had, and says so', () => {
    const { plan } = planTopology(loadTopology('direct'));
    const lossy = { ...plan, segments: plan.segments.map((segment) => ({ ...segment, impairment: { ...segment.impairment, loss: 0.5 } })) };
    expect(docker.unsupported(lossy, 'auto')).toEqual(plan.segments.map(({ name }) => ({ what: `${name}: loss`, why: expect.stringMatching(/run it on sim$/) as string })));
  });
});
