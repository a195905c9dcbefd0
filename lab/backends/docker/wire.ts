/**
 * A node's interfaces on top of Docker's. Docker's networks are only the wire: each interface of the plan is a VXLAN (RFC 7348), whose Ethernet frames travel in UDP
 * between the addresses that Docker has given. So the plan has its own addresses in every run at once, and the engine's machine neither answers for
 * them, nor filters, tracks or defragments what passes, whatever its firewall does with bridges.
 */
import { readFileSync, readdirSync } from 'node:fs';
import type { NodePlan, WorldPlan } from '../../../src/sim/plan.ts';
import { addressesOf } from '../linux/ground.ts';
import { awaitCarrier, switchOffOffloads } from '../linux/ethtool.ts';
import { kernelRoutes } from '../linux/links.ts';
import type { Interfaces } from '../linux/links.ts';
import * as rtnetlink from '../linux/rtnetlink.ts';
import type { CablePlan } from './messages.ts';

/** What VXLAN, UDP and IPv4 put in front of a packet, and the Ethernet header of the inner frame (RFC 7348 §5). */
export const overhead = 50;

/** The largest that a link of Linux may have, and the wire's own needs. */
export const largestMtu = 65535 - overhead;

const wireName = (n: number): string => `wire${n}`;

/** Takes over Docker's interfaces and makes the plan's. */
export function plugIn(at: Interfaces, node: NodePlan, cables: readonly CablePlan[]): void {
  const wires = cables.map((_, n) => wireName(n));
  // All are renamed before one of the plan's is made: Docker calls its own eth0, eth1, … too.
  at.commit(
    cables.flatMap(({ hardwareAddress }, n) => {
      const index = indexOf(hardwareAddress);
      return [rtnetlink.setUp(index, false), rtnetlink.rename(index, wires[n]!)];
    }),
  );
  at.adopt(wires);
  // Down and up again: of the routes only the one to the wire's own subnet comes back, and Docker's default route does not.
  at.commit(wires.map((wire) => rtnetlink.setUp(at.index(wire), true)));
  awaitCarrier(at.namespace, wires);

  at.commit(
    cables.flatMap(({ name, mtu, number, address, farEnds }, n) => {
      const index = at.reserve(name);
      return [rtnetlink.newVxlan({ name, index, mtu }, { number, through: at.index(wires[n]!), local: address }), ...farEnds.map((far) => rtnetlink.addFarEnd(index, far))];
    }),
  );
  const names = cables.map(({ name }) => name);
  switchOffOffloads(at.namespace, names);
  at.commit([
    ...node.interfaces.flatMap((its) => addressesOf(node, its).map((address) => rtnetlink.addAddress(at.index(its.name), address))),
    ...names.map((name) => rtnetlink.setUp(at.index(name), true)),
    ...kernelRoutes(node).map((route) => at.routeRequest(route)),
  ]);
}

/** Cuts the wire under an interface, or mends it: the interface itself stays up, as at a switch that is switched off. */
export function cut(at: Interfaces, { interfaces }: NodePlan, segment: string, state: 'up' | 'down'): void {
  interfaces.forEach((its, n) => {
    if (its.segment === segment) at.setUp(wireName(n), state === 'up');
  });
}

/** What Docker's networks must carry for this plan. */
export const wireMtu = ({ segments }: WorldPlan): number => Math.max(...segments.map(({ mtu }) => Math.min(mtu, largestMtu))) + overhead;

/** Docker gives interfaces names by an order of its own, and addresses that it tells. */
function indexOf(hardwareAddress: string): number {
  const folder = '/sys/class/net';
  const found = readdirSync(folder).find((name) => readFileSync(`${folder}/${name}/address`, 'utf8').trim() === hardwareAddress.toLowerCase());
  if (found === undefined) throw new Error(`no interface here has the address ${hardwareAddress} that the engine told`);
  return Number(readFileSync(`${folder}/${found}/ifindex`, 'utf8'));
}
