/** The same network by mininet's own API, from Python. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { kernelBox } from '../../../lab/backends/linux/kernel-box.ts';
import { isIsolated, runIsolated } from '../../../lab/backends/linux/isolation.ts';
import { describePrefix } from '../../../src/core/address.ts';
import { plainHotel } from '../hotel.ts';

export default async function netnsMininet(hosts: string): Promise<unknown> {
  if (!isIsolated()) {
    process.exitCode = await runIsolated(new URL('../measure.ts', import.meta.url), process.argv.slice(2));
    return undefined;
  }
  const { segments, nodes } = plainHotel(Number(hosts));
  const plan = {
    segments: segments.map(({ name }) => name),
    nodes: nodes.map((node) => {
      const kernel = node.kind === 'nat' ? kernelBox(node, 1) : undefined;
      return {
        name: node.name,
        forwards: node.kind !== 'host' || node.forwards,
        interfaces: node.interfaces.map(({ segment, address, prefixLength }) => ({ segment, address: `${address}/${prefixLength}` })),
        routes: node.routes.flatMap(({ to, via }) => (via === 'tunnel' ? [] : [{ to: describePrefix(to), via }])),
        rules: kernel?.supported ? kernel.ruleset : '',
      };
    }),
    ping: { from: 'client1', to: nodes.find(({ name }) => name === 'gateway')!.interfaces[0]!.address },
  };
  const driver = fileURLToPath(new URL('netns-mininet.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [driver], { input: JSON.stringify(plan), encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
