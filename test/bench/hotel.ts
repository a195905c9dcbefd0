import { loadTopology, vary } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import type { WorldPlan } from '../../src/sim/plan.ts';

/** So many plain hosts behind one box, and the other side of it: a network without any endpoint, as a script would build it too. */
export const plainHotel = (hosts: number): WorldPlan =>
  planTopology(vary(loadTopology('hotel'), { hosts: { client: { count: hosts, connectsTo: null }, gateway: { protects: null, pool: null } } })).plan;
