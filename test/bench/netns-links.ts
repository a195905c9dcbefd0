/**
 * The same network, N hosts behind one box and a gateway, made by the lab's own rtnetlink and by a shell script of `ip -batch` calls; run as root:
 * `node --import tsx test/bench/netns-links.ts [hosts]`. Both inside fresh namespaces, which take everything along at the end.
 */
import { spawnSync } from 'node:child_process';
import { ip, prefix } from '../../src/core/address.ts';
import { isIsolated, runIsolated } from '../../lab/backends/netns/isolation.ts';
import { Interfaces, wire } from '../../lab/backends/netns/links.ts';
import { createNamespace } from '../../lab/backends/netns/namespace.ts';

const address = (i: number): string => `10.0.${1 + (i >> 7)}.${1 + (i & 127)}`;

/** Milliseconds. */
function byNetlink(count: number): number {
  const started = performance.now();
  const node = (forwarding = false): Interfaces => new Interfaces(createNamespace(), { forwarding, ipv6: false });
  const [lan, box, gateway] = [node(), node(true), node(true)];
  const hosts = Array.from({ length: count }, () => node());
  const on = (text: string, length: number) => [{ address: ip(text), length }];
  wire({
    bridges: [{ at: lan, name: 'lan' }],
    cables: [
      { ends: [{ at: lan, name: 'box', bridge: 'lan' }, { at: box, name: 'lan', addresses: on('10.0.0.1', 16) }] },
      { ends: [{ at: box, name: 'wan', addresses: on('192.0.2.1', 24) }, { at: gateway, name: 'eth0', addresses: on('192.0.2.2', 24) }] },
      ...hosts.map((at, i) => ({ ends: [{ at: lan, name: `h${i}`, bridge: 'lan' }, { at, name: 'eth0', addresses: on(address(i), 16) }] as const })),
    ],
    routes: hosts.map((at) => ({ at, route: { to: prefix('0.0.0.0/0'), via: ip('10.0.0.1') } })),
  });
  return performance.now() - started;
}

/** Namespaces with names, as a script must have them, all links in one batch, then one batch a namespace. */
function byIpBatch(count: number): number {
  const namespaces = ['lan', 'box', 'gw', ...Array.from({ length: count }, (_, i) => `n${i}`)];
  const end = (name: string, i: string, to: string) => `link set dev ${name} up\naddress add ${i} dev ${name}\n${to === '' ? '' : `route add default via ${to}\n`}`;
  const batch = (namespace: string, text: string) => `ip -n ${namespace} -batch - <<'.'\nlink set dev lo up\n${text}.\n`;
  const links = [
    'link add lan netns lan type bridge',
    'link add box netns lan type veth peer name lan netns box',
    'link add wan netns box type veth peer name eth0 netns gw',
    ...Array.from({ length: count }, (_, i) => `link add h${i} netns lan type veth peer name eth0 netns n${i}`),
  ];
  const ports = ['box', ...Array.from({ length: count }, (_, i) => `h${i}`)];
  const script = [
    `ip -batch - <<'.'\n${namespaces.map((name) => `netns add ${name}\n`).join('')}${links.map((link) => `${link}\n`).join('')}.\n`,
    batch('lan', `link set dev lan up\n${ports.map((port) => `link set dev ${port} master lan up\n`).join('')}`),
    batch('box', end('lan', '10.0.0.1/16', '') + end('wan', '192.0.2.1/24', '')),
    batch('gw', end('eth0', '192.0.2.2/24', '')),
    ...Array.from({ length: count }, (_, i) => batch(`n${i}`, end('eth0', `${address(i)}/16`, '10.0.0.1'))),
  ].join('');
  const started = performance.now();
  const result = spawnSync('sh', ['-e'], { input: `mount -t tmpfs none /run\n${script}`, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(result.stderr);
  return performance.now() - started;
}

if (isIsolated()) {
  const count = Number(process.argv[2] ?? 200);
  const rounds = Array.from({ length: 3 }, () => ({ netlink: byNetlink(count), batch: byIpBatch(count) }));
  const best = (of: 'netlink' | 'batch'): number => Math.min(...rounds.map((round) => round[of]));
  console.log(
    `${count} hosts behind one box: ${best('netlink').toFixed(0)} ms by rtnetlink, ${best('batch').toFixed(0)} ms by ip -batch, ratio ${(best('batch') / best('netlink')).toFixed(2)}`,
  );
  process.exit();
} else {
  process.exitCode = await runIsolated(new URL(import.meta.url), process.argv.slice(2));
}
