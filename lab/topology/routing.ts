/** Routes for every node, and the address at which a host is reached. */
import { isIpv4, prefix as toPrefix } from '../../src/core/address.ts';
import type { IpAddress } from '../../src/core/address.ts';
import type { InterfacePlan, RoutePlan } from '../../src/sim/plan.ts';
import { Problem } from '../problem.ts';
import type { Copies, Interfaces } from './addresses.ts';
import type { HostFile, TopologyFile } from './schema.ts';

/** Routers lead both ways, a NAT box leads out only, a gateway leads out of the network that it protects. */
export class Routing {
  readonly #file: TopologyFile;
  readonly #interfaces: Interfaces;
  readonly #hostOf: ReadonlyMap<string, HostFile>;

  constructor(file: TopologyFile, interfaces: Interfaces, copies: Copies) {
    this.#file = file;
    this.#interfaces = interfaces;
    this.#hostOf = new Map(Object.entries(file.hosts).flatMap(([entry, host]) => copies[entry]!.map((copy) => [copy, host])));
  }

  routesOf(node: string): RoutePlan[] {
    const routes: RoutePlan[] = [];
    const seen = new Set(this.#attached(node));
    let frontier = [...seen].map((segment) => ({ segment, firstHop: undefined as IpAddress | undefined }));
    let exit: IpAddress | undefined;
    while (frontier.length > 0) {
      const next: typeof frontier = [];
      for (const { segment, firstHop } of frontier) {
        exit ??= this.#exitOf(segment, node, firstHop);
        for (const router of Object.keys(this.#file.routers)) {
          const via = this.#addressOn(router, segment);
          if (router === node || via === undefined) continue;
          for (const further of this.#interfaces.get(router)!) {
            if (seen.has(further.segment)) continue;
            seen.add(further.segment);
            routes.push({ to: { address: prefixAddress(further), length: further.prefixLength }, via: firstHop ?? via });
            next.push({ segment: further.segment, firstHop: firstHop ?? via });
          }
        }
      }
      frontier = next;
    }
    return exit === undefined ? routes : [...routes, { to: toPrefix(isIpv4(exit) ? '0.0.0.0/0' : '::/0'), via: exit }];
  }

  /** Where a packet from `node` must be addressed to reach `target`: its own address, or that of the box that forwards to it, and that one where it is to go `through` it. */
  reach(node: string, target: string, through?: string): IpAddress {
    const reachable = this.#reachable(node);
    const own = through !== undefined ? undefined : this.#interfaces.get(target)!.find(({ segment }) => reachable.has(segment) && segment !== this.#hostOf.get(target)?.protects);
    if (own) return own.address;
    const box = Object.entries(this.#file.nats).find(([name, nat]) => (through === undefined || name === through) && nat.forwards?.some((forward) => forward.to === target) && reachable.has(nat.outside));
    if (box) return this.#addressOn(box[0], box[1].outside)!;
    if (through !== undefined) throw new Problem(`${node} cannot reach ${target} through ${through}: it does not forward ports to it ("forwards:")`);
    throw new Problem(`${node} cannot reach ${target}: no common network, and no NAT box forwards ports to it ("forwards:")`);
  }

  #attached(node: string): string[] {
    return this.#interfaces.get(node)!.map(({ segment }) => segment);
  }

  #addressOn(node: string, segment: string): IpAddress | undefined {
    return this.#interfaces.get(node)!.find((one) => one.segment === segment)?.address;
  }

  /** The default router that stands on a segment. */
  #exitOf(segment: string, node: string, firstHop: IpAddress | undefined): IpAddress | undefined {
    for (const [box, nat] of Object.entries(this.#file.nats)) if (box !== node && nat.inside.includes(segment)) return firstHop ?? this.#addressOn(box, segment);
    for (const [host, { protects }] of this.#hostOf) if (host !== node && protects === segment) return firstHop ?? this.#addressOn(host, segment);
    return undefined;
  }

  /** All segments that packets from the node get to: over routers, and out through boxes. */
  #reachable(node: string): Set<string> {
    const seen = new Set(this.#attached(node));
    for (const segment of seen) {
      for (const [, { on }] of Object.entries(this.#file.routers)) if (on.includes(segment)) for (const further of on) seen.add(further);
      for (const nat of Object.values(this.#file.nats)) if (nat.inside.includes(segment)) seen.add(nat.outside);
    }
    return seen;
  }
}

function prefixAddress({ address, prefixLength }: InterfacePlan): IpAddress {
  return toPrefix(`${address}/${prefixLength}`).address;
}
