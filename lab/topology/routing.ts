/** Routes for every node, and the address at which a host is reached. */
import { isIpv4, prefix as toPrefix } from '../../src/core/address.ts';
import type { IpAddress } from '../../src/core/address.ts';
import type { InterfacePlan, RoutePlan } from '../../src/sim/plan.ts';
import { embedded } from '../../src/nat/nat64/embedded.ts';
import { Problem } from '../problem.ts';
import type { Copies, Interfaces } from './addresses.ts';
import type { Ipv6Boxes } from './ipv6-boxes.ts';
import type { HostFile, TopologyFile } from './schema.ts';

/** Routers lead both ways, a NAT box leads out only, a gateway leads out of the network that it protects. */
export class Routing {
  readonly #file: TopologyFile;
  readonly #interfaces: Interfaces;
  readonly #hostOf: ReadonlyMap<string, HostFile>;

  readonly #ipv6Boxes: Ipv6Boxes;

  constructor(file: TopologyFile, interfaces: Interfaces, copies: Copies, ipv6Boxes: Ipv6Boxes) {
    this.#file = file;
    this.#ipv6Boxes = ipv6Boxes;
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
        routes.push(...this.#translatedPrefixes(segment, node, firstHop));
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

  /** Where a packet from `node` must be addressed to reach `target`: its own address, or that of the box that forwards to it, and that one where it is to go `through` it; behind NAT64 as IPv6. */
  reach(node: string, target: string, through?: string): IpAddress {
    return this.#asSeenFrom(node, this.#addressOf(node, target, through));
  }

  #addressOf(node: string, target: string, through?: string): IpAddress {
    const reachable = this.#reachable(node);
    const own = through !== undefined ? undefined : this.#interfaces.get(target)!.find(({ segment }) => reachable.has(segment) && segment !== this.#hostOf.get(target)?.protects);
    if (own) return own.address;
    const box = Object.entries(this.#file.nats).find(([name, nat]) => (through === undefined || name === through) && nat.forwards?.some((forward) => forward.to === target) && reachable.has(nat.outside));
    if (box) return this.#addressOn(box[0], box[1].outside)!;
    if (through !== undefined) throw new Problem(`${node} cannot reach ${target} through ${through}: it does not forward ports to it ("forwards:")`);
    throw new Problem(`${node} cannot reach ${target}: no common network, and no NAT box forwards ports to it ("forwards:")`);
  }

  /** An IPv4 address as it looks to who has IPv6 only and leaves by a NAT64 gateway. */
  #asSeenFrom(node: string, address: IpAddress): IpAddress {
    if (!isIpv4(address) || this.#interfaces.get(node)!.some((own) => isIpv4(own.address))) return address;
    const reachable = this.#reachable(node);
    for (const [box, ipv6] of this.#ipv6Boxes) if (ipv6.kind === 'nat64' && this.#file.nats[box]!.inside.some((segment) => reachable.has(segment))) return embedded(address, ipv6.pref64);
    return address;
  }

  /** The prefixes that translators with their outside on this segment stand for. */
  #translatedPrefixes(segment: string, node: string, firstHop: IpAddress | undefined): RoutePlan[] {
    return Array.from(this.#ipv6Boxes).flatMap(([box, ipv6]) =>
      ipv6.kind === 'nptv6' && box !== node && this.#file.nats[box]!.outside === segment ? [{ to: ipv6.outside, via: firstHop ?? this.#addressOn(box, segment)! }] : [],
    );
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
