/** The probe between two machines of their own, as it runs against a real box: here one that the kernel makes of a ruleset that no code of the lab's wrote. */
import type { ChildProcess } from 'node:child_process';
import { describe, vi } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { wire } from '../../lab/backends/linux/links.ts';
import type { NetworkNamespace } from '../../lab/backends/linux/namespace.ts';
import { disagreements, expectationOf } from '../../lab/probe/expectation.ts';
import { placeProbe } from '../../lab/probe/place.ts';
import { toYaml } from '../../lab/probe/replay.ts';
import { runProbe } from '../../lab/probe/run.ts';
import { parseTopology } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { ip, prefix } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import { changed, presetNamed } from '../../src/nat/presets.ts';
import type { Classification, Measure } from '../../src/probe/classification.ts';
import { host } from '../backends/linux/two-hosts.ts';
import { argvOf, root } from '../cli/lab.ts';
import { endingWithUs } from '../support/ends-with-us.ts';
import { needs } from '../support/needs.ts';

vi.setConfig({ testTimeout: 120_000 });

const { test } = needs('root', 'network namespaces', 'koffi', 'nft', 'setpriv');

/** client 10.0.0.2, .3 – 10.0.0.1 router 192.0.2.1 – 192.0.2.9, .10 server */
function behindRouter(ruleset: string): { readonly client: NetworkNamespace; readonly server: NetworkNamespace } & Disposable {
  const [client, router, server] = [host(), host({ forwarding: true }), host()];
  const end = (at: typeof client, name: string, ...addresses: readonly string[]) => ({ at, name, addresses: addresses.map((address) => ({ address: ip(address), length: 24 })) });
  wire({
    cables: [{ ends: [end(client, 'eth0', '10.0.0.2', '10.0.0.3'), end(router, 'lan', '10.0.0.1')] }, { ends: [end(router, 'wan', '192.0.2.1'), end(server, 'eth0', '192.0.2.9', '192.0.2.10')] }],
    routes: [{ at: client, route: { to: prefix('0.0.0.0/0'), via: ip('10.0.0.1') } }],
  });
  router.namespace.run('nft', ['-f', '-'], ruleset);
  router.namespace.sysctls({ 'netfilter/nf_conntrack_udp_timeout': 6, 'netfilter/nf_conntrack_udp_timeout_stream': 8 });
  return {
    client: client.namespace,
    server: server.namespace,
    [Symbol.dispose]: () => {
      for (const node of [client, router, server]) {
        node.close();
        node.namespace.close();
      }
    },
  };
}

const masquerade = `
table ip nat {
  chain out { type nat hook postrouting priority srcnat; oif "wan" masquerade; }
}
`;

const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--no-new-privs'];

function start(namespace: NetworkNamespace, words: readonly string[], user: 'root' | 'nobody'): ChildProcess {
  return namespace.spawn(...endingWithUs(...(user === 'nobody' ? nobody : []), process.execPath, ...argvOf('nat', 'probe', ...words)), { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NO_COLOR: '1' } });
}

/** All that it says until it ends, or until it has said this. */
function said(child: ChildProcess, until?: string): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    child.stdout!.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (until !== undefined && text.includes(until)) resolve(text);
    });
    child.once('close', () => resolve(text));
  });
}

interface Words {
  readonly server: readonly string[];
  readonly client: readonly string[];
}

/** What `--server` says, and what `--serve` said before. */
async function conversation(at: { readonly client: NetworkNamespace; readonly server: NetworkNamespace }, words: Words, user: 'root' | 'nobody'): Promise<{ readonly served: string; readonly result: string }> {
  const server = start(at.server, ['--serve', ...words.server], user);
  const ended = new Promise((resolve) => server.once('close', resolve));
  try {
    const served = await said(server, 'On the other side');
    return { served, result: await said(start(at.client, words.client, user)) };
  } finally {
    server.kill('SIGINT');
    await ended;
  }
}

async function probed(user: 'root' | 'nobody', format: '--json' | '--yaml'): ReturnType<typeof conversation> {
  using network = behindRouter(masquerade);
  return await conversation(network, { server: ['--address', '192.0.2.9', '--address', '192.0.2.10'], client: ['--server', '192.0.2.9', '--second-address', '10.0.0.3', '--longest', '20 s', format] }, user);
}

const asMeasured: NatBehaviour = changed(presetNamed('linux-masquerade')!.behaviour, { timeouts: { unreplied: seconds(6), replied: seconds(8) } });
/** The kernel counts in whole seconds, and this machine may be busy. */
const slack = seconds(1.5);

const behaviourIn = (yaml: string): NatBehaviour => planTopology(parseTopology(yaml, 'measured.yaml')).plan.nodes.find((node) => node.kind === 'nat')!.box.behaviour;

/** Kernels answer for these protocols by themselves. */
const leftToTheLab = ['icmp', 'icmpLife', 'tcpHalfOpen', 'tcpMapping'];

const unmeasured = (findings: Classification): string[] => (Object.keys(findings) as Measure[]).filter((measure) => !findings[measure].measured).sort();

describe('nat probe --server, behind a kernel that masquerades', () => {
  test.concurrent('as root on either side: everything but ICMP and TCP, which the kernels answer; replayed from its YAML it shows the same', async ({ expect }) => {
    const { served, result } = await probed('root', '--json');
    expect(served).toContain('Listening on 192.0.2.9:3478, 192.0.2.9:3479, 192.0.2.9:500, 192.0.2.9:4500, 192.0.2.10:3478');
    const { findings, mapped } = JSON.parse(result) as { readonly findings: Classification; readonly mapped: string };
    expect(mapped).toMatch(/^192\.0\.2\.1:/);
    expect(unmeasured(findings)).toEqual(leftToTheLab);
    expect(disagreements(findings, { ...expectationOf(asMeasured), ...Object.fromEntries(leftToTheLab.map((measure) => [measure, undefined])) }, slack)).toEqual([]);

    const again = await runProbe(placeProbe(parseTopology(toYaml(findings, 'a test measured'), 'measured.yaml')), { backend: sim, seed: 1 });
    if (again === undefined || again === 'unreachable') throw new Error(String(again));
    expect(disagreements(again.findings, { ...expectationOf(asMeasured), ...Object.fromEntries(leftToTheLab.map((measure) => [measure, undefined])) }, slack)).toEqual([]);
  });

  test.concurrent('as nobody: what takes raw access, or IKE\'s ports, is said not to have been measured, in the file too', async ({ expect }) => {
    const { served, result } = await probed('nobody', '--yaml');
    expect(served).toContain('UDP 500 and 4500 cannot be had here');
    expect(served).toContain('No raw sockets');
    expect(result).toContain('#   esp: needs root');
    expect(result).toContain('#   fragments: needs root');
    const { mapping, filtering, timeouts } = behaviourIn(result);
    expect([mapping, filtering, timeouts.unreplied, timeouts.replied]).toEqual(['endpoint-independent', 'address-and-port-dependent', 6000, 8000]);
  });

  test.concurrent('where nothing stands between, on one machine whose packets never meet a device that would finish their checksums, it says so', async ({ expect }) => {
    const alone = host();
    const { result } = await conversation({ client: alone.namespace, server: alone.namespace }, { server: ['--address', '127.0.0.1'], client: ['--server', '127.0.0.1', '--longest', '4 s', '--json'] }, 'root');
    alone.close();
    alone.namespace.close();
    const { findings } = JSON.parse(result) as { readonly findings: Classification };
    expect([findings.translation, findings.zeroChecksum, findings.esp]).toEqual([{ measured: true, value: false }, { measured: true, value: 'left alone' }, { measured: true, value: 'passes' }]);
    expect(findings.replied).toEqual({ measured: true, value: { atLeast: 4000 } });
    expect(findings.mapping).toEqual({ measured: false, why: 'the server has one address only' });
  });
});
