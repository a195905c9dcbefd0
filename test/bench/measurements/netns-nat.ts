/**
 * How many packets a second one core carries through a router in a namespace: routed only, through the kernel's own NAT, through the `NatBox` machine.
 *
 *     netns-nat-load.ts  eth0 --- eth0  router  eth1 --- eth0  netns-nat-load.ts
 *     10.1.0.0/16                                              198.51.100.1
 *
 * Router and load are two processes that share one core with the kernel's own work for them, so that no figure borrows from another core.
 */
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ip, prefix } from '../../../src/core/address.ts';
import { seeded } from '../../../src/core/random.ts';
import { presetNamed } from '../../../src/nat/presets.ts';
import type { NatPlan } from '../../../src/sim/plan.ts';
import { kernelBox } from '../../../lab/backends/linux/kernel-box.ts';
import { isIsolated, runIsolated } from '../../../lab/backends/linux/isolation.ts';
import { LabClock } from '../../../lab/backends/linux/lab-clock.ts';
import { Interfaces, wire } from '../../../lab/backends/linux/links.ts';
import { MachineBox } from '../../../lab/backends/linux/machine-box.ts';
import { createNamespace } from '../../../lab/backends/linux/namespace.ts';
import { Poller } from '../../../lab/backends/linux/poller.ts';
import { meter } from '../meter.ts';
import type { Load } from './netns-nat-load.ts';

export type Engine = 'routed' | 'kernel' | 'machine';

const plan: NatPlan = {
  kind: 'nat',
  name: 'box',
  interfaces: [
    { name: 'eth0', segment: 'inside', address: ip('10.0.0.1'), prefixLength: 24 },
    { name: 'eth1', segment: 'outside', address: ip('203.0.113.1'), prefixLength: 24 },
  ],
  routes: [
    { to: prefix('0.0.0.0/0'), via: ip('203.0.113.2') },
    { to: prefix('10.1.0.0/16'), via: ip('10.0.0.2') },
  ],
  inside: ['eth0'],
  outside: 'eth1',
  box: { name: 'box', behaviour: presetNamed('linux-masquerade')!.behaviour, outsideAddresses: [ip('203.0.113.1')], insidePrefixes: [prefix('10.0.0.0/8')], forwards: [] },
};

export default async function netnsNat(engine: Engine, mappings: string) {
  if (!isIsolated()) {
    process.exitCode = await runIsolated(new URL('../measure.ts', import.meta.url), process.argv.slice(2));
    return undefined;
  }
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', '0', String(process.pid)], { stdio: 'ignore' });
  const [client, router, server] = [false, true, false].map((forwarding) => new Interfaces(createNamespace(), { forwarding, ipv6: false })) as [Interfaces, Interfaces, Interfaces];
  const [inside, outside] = plan.interfaces.map(({ name, address, prefixLength: length }) => ({ at: router, name, addresses: [{ address, length }] }));
  wire({
    cables: [
      { ends: [{ at: client, name: 'eth0', addresses: [{ address: ip('10.0.0.2'), length: 24 }] }, inside!] },
      { ends: [outside!, { at: server, name: 'eth0', addresses: [{ address: ip('203.0.113.2'), length: 24 }] }] },
    ],
    routes: [
      ...plan.routes.map(({ to, via }) => ({ at: router, route: { to, via: via as Exclude<typeof via, 'tunnel'> } })),
      { at: client, route: { to: prefix('0.0.0.0/0'), via: ip('10.0.0.1') } },
      { at: server, route: { to: prefix('10.0.0.0/8'), via: ip('203.0.113.1') } }, // for what is routed only
    ],
  });
  const poller = new Poller();
  const box = engine === 'machine' ? new MachineBox({ plan, interfaces: router, poller, clock: new LabClock(), random: seeded(1), capture: { read: () => undefined }, report: () => undefined }) : undefined;
  if (engine === 'kernel') translate(router);
  try {
    const argv = ['--import', 'tsx', fileURLToPath(new URL('netns-nat-load.ts', import.meta.url)), server.namespace.path, engine === 'routed' ? 'routed' : 'translated', mappings];
    const load = client.namespace.spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(load.stdout!)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      const line = await lines.next();
      if (line.done) throw new Error('the load came to a bad end');
      return line.value;
    };
    await next(); // the mappings are there, everything is warm
    const metered = meter();
    const { packets, lost, wallMs, processorMs: loadMs } = JSON.parse(await next()) as Load;
    const { processorMs } = metered();
    const known = box?.mappings().length ?? (engine === 'kernel' ? Number(router.namespace.readSysctl('netfilter/nf_conntrack_count')) : Number(mappings));
    if (known !== Number(mappings)) throw new Error(`${known} mappings, not ${mappings}`);
    return { packetsPerSecond: (1000 * packets) / (processorMs + loadMs), packetsPerWallSecond: (1000 * packets) / wallMs, lost };
  } finally {
    box?.close();
    await poller.close();
  }
}

/** The kernel's rules for the same box, and nobody who listens to its table. */
function translate({ namespace }: Interfaces): void {
  const kernel = kernelBox(plan, 1);
  if (!kernel.supported) throw new Error('the kernel cannot be this box');
  namespace.run('nft', ['-f', '-'], kernel.ruleset);
  namespace.sysctls(Object.fromEntries(Object.entries(kernel.sysctls).map(([name, value]) => [name.replace(/^net\./, '').replaceAll('.', '/'), value])));
}
