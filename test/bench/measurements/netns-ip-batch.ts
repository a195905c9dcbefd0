/** The same network as a shell script would make it: namespaces with names, every link in one `ip -batch`, then one `ip -batch` a namespace. */
import { spawnSync } from 'node:child_process';
import { kernelBox } from '../../../lab/backends/linux/kernel-box.ts';
import { isIsolated, runIsolated } from '../../../lab/backends/linux/isolation.ts';
import { describePrefix } from '../../../src/core/address.ts';
import type { NodePlan, WorldPlan } from '../../../src/sim/plan.ts';
import { plainHotel } from '../hotel.ts';
import { meter } from '../meter.ts';

export default async function netnsIpBatch(hosts: string) {
  if (!isIsolated()) {
    process.exitCode = await runIsolated(new URL('../measure.ts', import.meta.url), process.argv.slice(2));
    return undefined;
  }
  const plan = plainHotel(Number(hosts));
  const gateway = plan.nodes.find(({ name }) => name === 'gateway')!.interfaces[0]!.address;
  shell('mount -t tmpfs none /run'); // where `ip` writes down the names
  const [making, unmaking] = [upScript(plan), downScript(plan)];
  const up = meter();
  shell(making);
  const { wallMs: upMs } = up();
  shell(`ip netns exec client1 ping -c 1 -W 2 ${gateway} > /dev/null`);
  const down = meter();
  shell(unmaking);
  return { upMs, downMs: down().wallMs };
}

function shell(script: string): void {
  const { status, stderr } = spawnSync('sh', ['-e'], { input: script, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

const batch = (lines: readonly string[], ...options: readonly string[]): string => ['ip', ...options, `-batch - <<'.'\n${lines.map((line) => `${line}\n`).join('')}.\n`].join(' ');

function upScript({ segments, nodes }: WorldPlan): string {
  const ports = nodes.flatMap((node) => node.interfaces.map((one) => ({ ...one, node: node.name }))).map((one, i) => ({ ...one, port: `port${i}` }));
  return [
    batch([
      'netns add switches',
      ...nodes.map(({ name }) => `netns add ${name}`),
      ...segments.map(({ name }) => `link add ${name} netns switches type bridge`),
      ...ports.map(({ port, node, name }) => `link add ${port} netns switches type veth peer name ${name} netns ${node}`),
    ]),
    batch([...segments.map(({ name }) => `link set dev ${name} up`), ...ports.map(({ port, segment }) => `link set dev ${port} master ${segment} up`)], '-n', 'switches'),
    ...nodes.map((node) => batch(nodeLines(node), '-n', node.name)),
    ...nodes.filter((node) => node.kind !== 'host' || node.forwards).map(({ name }) => `ip netns exec ${name} sysctl -qw net.ipv4.ip_forward=1\n`),
    ...nodes.flatMap((node) => {
      const kernel = node.kind === 'nat' ? kernelBox(node, 1) : undefined;
      return kernel?.supported ? [`ip netns exec ${node.name} nft -f - <<'.'\n${kernel.ruleset}\n.\n`] : [];
    }),
  ].join('');
}

const nodeLines = ({ interfaces, routes }: NodePlan): string[] => [
  'link set dev lo up',
  ...interfaces.flatMap(({ name, address, prefixLength }) => [`address add ${address}/${prefixLength} dev ${name}`, `link set dev ${name} up`]),
  ...routes.flatMap(({ to, via }) => (via === 'tunnel' ? [] : [`route add ${describePrefix(to)} via ${via}`])),
];

const downScript = ({ nodes }: WorldPlan): string => batch(['switches', ...nodes.map(({ name }) => name)].map((name) => `netns delete ${name}`));
