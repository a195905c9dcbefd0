/** The lab's own namespaces: wires, addresses, routes, the box's rules, and what the lab listens with on every interface. */
import { isIsolated, runIsolated } from '../../../lab/backends/linux/isolation.ts';
import { openNamespaces } from '../../../lab/backends/netns/lab.ts';
import { TraceLog } from '../../../src/trace/trace.ts';
import { plainHotel } from '../hotel.ts';
import { meter } from '../meter.ts';

export default async function netnsLab(hosts: string) {
  if (!isIsolated()) {
    process.exitCode = await runIsolated(new URL('../measure.ts', import.meta.url), process.argv.slice(2));
    return undefined;
  }
  const plan = plainHotel(Number(hosts));
  const gateway = plan.nodes.find(({ name }) => name === 'gateway')!.interfaces[0]!.address;
  const up = meter();
  const lab = openNamespaces(plan, { seed: 1, trace: new TraceLog() });
  const { wallMs: upMs } = up();
  const reached = (await lab.exec('client1', ['ping', '-c', '1', '-W', '2', gateway])).status === 0;
  const down = meter();
  await lab[Symbol.asyncDispose]();
  const { wallMs: downMs } = down();
  if (!reached) throw new Error('the first host does not reach the gateway');
  return { upMs, downMs };
}
