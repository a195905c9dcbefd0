/** Where the two ends of the probe stand in a topology: one innermost, with an address for a second client, one out in front of every box that it meets. */
import { isIpv4 } from '../../src/core/address.ts';
import type { IpAddress } from '../../src/core/address.ts';
import type { WorldPlan } from '../../src/sim/plan.ts';
import { Problem } from '../problem.ts';
import { loadTopology, vary } from '../topology/load.ts';
import type { LoadedTopology } from '../topology/load.ts';
import { planTopology } from '../topology/plan.ts';
import type { TopologyFile } from '../topology/schema.ts';
import type { Shelf } from '../topology/shelf.ts';

export const proberHost = 'prober';
export const responderHost = 'responder';

export interface ProbePlan {
  readonly plan: WorldPlan;
  /** The boxes between the two. */
  readonly way: readonly string[];
  readonly prober: readonly [IpAddress, IpAddress];
  readonly responder: readonly [IpAddress, IpAddress];
}

/** The topology "home" with a box of this preset. */
export const homeWith = (preset: string, shelf?: Shelf): LoadedTopology => vary(loadTopology('home', shelf), { nats: { box: { preset, behaviour: null } } });

export function placeProbe(topology: LoadedTopology): ProbePlan {
  for (const name of [proberHost, responderHost]) if (Object.hasOwn(topology.file.hosts, name)) throw new Problem(`the topology ${topology.name} has a host "${name}", which is the probe's name; call it something else`);
  const inside = insideOf(topology);
  const { outside, way } = outsideOf(topology.file, inside);
  const { nodes } = planTopology(topology).plan;
  const speaksIpv6 = nodes.flatMap(({ interfaces }) => interfaces).find((one) => [inside, outside].includes(one.segment) && !isIpv4(one.address));
  if (speaksIpv6) throw new Problem(`the probe speaks IPv4, and the topology ${topology.name} has IPv6 on ${speaksIpv6.segment}`);
  const { plan } = planTopology(vary(topology, { hosts: { [proberHost]: { on: [inside, inside] }, [responderHost]: { on: [outside, outside] } } }));
  const [prober, responder] = [addressesOf(plan, proberHost), addressesOf(plan, responderHost)];
  return { plan, way, prober, responder };
}

/** Where the first client stands; without clients, behind the first box. */
function insideOf({ name, file }: LoadedTopology): string {
  const client = Object.values(file.hosts).find(({ connectsTo }) => connectsTo !== undefined);
  const segment = client?.on[0] ?? Object.values(file.nats)[0]?.inside[0];
  if (segment === undefined) throw new Problem(`the topology ${name} has neither a client nor a NAT box: there is nothing to probe`);
  return segment;
}

/** Out through one box after the other. */
function outsideOf({ nats }: TopologyFile, inside: string): { readonly outside: string; readonly way: readonly string[] } {
  const way: string[] = [];
  const passed = new Set([inside]);
  for (const segment of passed) {
    const [name, box] = Object.entries(nats).find(([, nat]) => nat.inside.includes(segment)) ?? [];
    if (name === undefined || box === undefined) return { outside: segment, way };
    way.push(name);
    passed.add(box.outside);
  }
  throw new Problem('the NAT boxes stand in a circle');
}

function addressesOf({ nodes }: WorldPlan, host: string): readonly [IpAddress, IpAddress] {
  const [first, second] = nodes.find(({ name }) => name === host)!.interfaces;
  return [first!.address, second!.address];
}
