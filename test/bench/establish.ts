import { SimulatedLab } from '../../lab/backends/sim/backend.ts';
import { tunnelsUpOrGivenUp } from '../../lab/checks/waiting.ts';
import { castOf } from '../../lab/topology/cast.ts';
import { loadTopology, vary } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import type { TopologySource } from '../../lab/topology/schema.ts';
import { minutes } from '../../src/core/time.ts';
import { TraceLog } from '../../src/trace/trace.ts';

/** A hotel with so many guests on the simulator: plans it, builds it, has all of them initiate at once, and waits for the last tunnel. */
export async function establish(clients: number, ike: TopologySource['hosts'][string]['ike'] = {}): Promise<{ events: number; virtualMs: number }> {
  const topology = planTopology(vary(loadTopology('hotel'), { hosts: { client: { count: clients, ike } } }));
  const cast = castOf(topology);
  const trace = new TraceLog();
  await using lab = new SimulatedLab(topology.plan, { seed: 1, trace });
  for (const { name, connection } of cast.clients) lab.command(name, { kind: 'initiate', connection });
  await lab.until(tunnelsUpOrGivenUp(cast.clients.map(({ name }) => name)), minutes(10), 0);
  const up = new Set(trace.of('child-sa').flatMap(({ node, body }) => (body.state === 'established' && node !== cast.gateway.name ? [node] : [])));
  if (up.size !== clients) throw new Error(`only ${up.size} of ${clients} tunnels came up`);
  return { events: trace.events.length, virtualMs: lab.now };
}
