/**
 * Cables, switches, addresses and routes between namespaces, spoken straight to the kernel by rtnetlink: no process is started, and a namespace
 * gets all of its configuration in one system call or two.
 */
import { describePrefix, isIpv4 } from '../../../src/core/address.ts';
import type { NodePlan } from '../../../src/sim/plan.ts';
import type { NetworkNamespace } from './namespace.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './netlink.ts';
import type { Request } from './netlink.ts';
import { awaitCarrier, switchOffOffloads } from './ethtool.ts';
import { interfaceIndex } from './interface-index.ts';
import * as rtnetlink from './rtnetlink.ts';
import type { InterfaceAddress, Route } from './rtnetlink.ts';

const loopback = 1;

/**
 * No two interfaces of the lab share an index: where both ends of a cable have the same one, in two namespaces, Linux takes them for real
 * hardware and lets up to a second pass until it notices that the cable works (linkwatch_urgent_event). The kernel's own count starts at 2.
 */
let lastIndex = 1000;

/** A route by the name of its interface; without `through` the kernel finds it from `via`. */
export interface NamedRoute extends Omit<Route, 'index'> {
  readonly through?: string;
}

const routeKey = ({ to, table }: NamedRoute): string => `${describePrefix(to)} ${table ?? 'main'}`;

/** How the kernel of a namespace is to behave, whatever the machine around it is set to. */
export interface Behaviour {
  /** Forwards packets between its interfaces. */
  readonly forwarding: boolean;
  /** Without it not one IPv6 packet leaves; with it there is no duplicate address detection and no router solicitation. */
  readonly ipv6: boolean;
}

/** The interfaces of one namespace by name. The kernel knows them by the indexes that are given out here, or that it has given to those that others made. */
export class Interfaces {
  readonly namespace: NetworkNamespace;
  readonly #socket: NetlinkSocket;
  readonly #routes = new Map<string, Route>();
  readonly #farEnds = new Map<string, { readonly at: Interfaces; readonly name: string }>();
  readonly #indexes = new Map<string, number>([['lo', loopback]]);

  /** Takes a fresh namespace and sets its loopback up. Before any interface is made: the settings hold for those to come. */
  constructor(namespace: NetworkNamespace, { forwarding, ipv6 }: Behaviour) {
    this.namespace = namespace;
    const settings: Record<string, number> = {
      // A new namespace copies the machine's IPv4 settings, which are nobody's business here.
      'ipv4/ip_forward': forwarding ? 1 : 0,
      'ipv4/conf/all/rp_filter': 0,
      'ipv4/conf/default/rp_filter': 0,
      'ipv4/conf/all/promote_secondaries': 1, // an address may go without taking others of its subnet along
      'ipv4/conf/all/send_redirects': 0,
      'ipv4/conf/default/send_redirects': 0,
      ...(ipv6
        ? {
            'ipv6/conf/all/forwarding': forwarding ? 1 : 0,
            'ipv6/conf/default/forwarding': 0, // says not what is forwarded but who joins, and reports, the group of all routers
            'ipv6/conf/default/addr_gen_mode': 1, // no link-local address
            'ipv6/conf/default/accept_dad': 0,
            'ipv6/conf/default/keep_addr_on_down': 1,
            'ipv6/conf/default/router_solicitations': 0,
            'ipv6/conf/default/accept_ra': 0,
            'ipv6/conf/default/autoconf': 0,
          }
        : { 'ipv6/conf/all/disable_ipv6': 1, 'ipv6/conf/default/disable_ipv6': 1 }),
    };
    namespace.sysctls(settings);
    this.#socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
    this.commit([rtnetlink.setUp(loopback, true)]);
  }

  /** The index of an interface; throws for a name that is not there. */
  index(name: string): number {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`no interface ${name} here, only ${[...this.#indexes.keys()].join(', ')}`);
    return index;
  }

  /** The name of an interface by its index, for what comes from packet sockets. */
  name(index: number): string | undefined {
    for (const [name, its] of this.#indexes) if (its === index) return name;
    return undefined;
  }

  /** Gives out an index for an interface that is going to be made. */
  reserve(name: string): number {
    if (this.#indexes.has(name)) throw new Error(`there is an interface ${name} already`);
    this.#indexes.set(name, ++lastIndex);
    return lastIndex;
  }

  /** Takes over interfaces that others have made here, and the routes that they have set: as if `wire` had made them. */
  adopt(names: readonly string[], routes: readonly NamedRoute[] = []): void {
    for (const name of names) {
      const index = interfaceIndex(this.namespace, name);
      this.#indexes.set(name, index);
      lastIndex = Math.max(lastIndex, index);
    }
    for (const route of routes) this.#routes.set(routeKey(route), this.#resolve(route));
    switchOffOffloads(this.namespace, names);
  }

  /** Notes the other end of the cable of an interface. */
  connected(name: string, far: { readonly at: Interfaces; readonly name: string }): void {
    this.#farEnds.set(name, far);
  }

  /** The interface is gone, its name free again. */
  forget(name: string): void {
    this.#indexes.delete(name);
  }

  commit(requests: readonly Request[]): void {
    if (requests.length > 0) this.#socket.commit(requests);
  }

  /**
   * Pulls or plugs in the cable of this interface: nothing passes while one of its ends is down. The kernel forgets the routes through an interface
   * that goes down; they are set again when it comes up.
   */
  setUp(name: string, up: boolean): void {
    this.commit([rtnetlink.setUp(this.index(name), up), ...(up ? [...this.#routes.values()].map(rtnetlink.addRoute) : [])]);
    awaitCarrier(this.namespace, [name]);
    const far = this.#farEnds.get(name);
    if (far !== undefined) awaitCarrier(far.at.namespace, [far.name]);
  }

  setMtu(name: string, mtu: number): void {
    this.commit([rtnetlink.setMtu(this.index(name), mtu)]);
  }

  setQueue(name: string, packets: number): void {
    this.commit([rtnetlink.setQueue(this.index(name), packets)]);
  }

  addAddress(name: string, address: InterfaceAddress): void {
    this.commit([rtnetlink.addAddress(this.index(name), address)]);
  }

  /** Routes that spoke from this address or lay in its subnet go with it. */
  deleteAddress(name: string, address: InterfaceAddress): void {
    this.commit([rtnetlink.deleteAddress(this.index(name), address)]);
  }

  /** Replaces the route to the same prefix. */
  addRoute(route: NamedRoute): void {
    this.commit([this.routeRequest(route)]);
  }

  deleteRoute(route: NamedRoute): void {
    this.#routes.delete(routeKey(route));
    this.commit([rtnetlink.deleteRoute(this.#resolve(route))]);
  }

  /** For a batch: what `addRoute` asks of the kernel. */
  routeRequest(route: NamedRoute): Request {
    const resolved = this.#resolve(route);
    this.#routes.set(routeKey(route), resolved);
    return rtnetlink.addRoute(resolved);
  }

  /** Gives the socket back. The interfaces live as long as the namespace. */
  close(): void {
    this.#socket.close();
  }

  #resolve({ through, ...route }: NamedRoute): Route {
    return through === undefined ? route : { ...route, index: this.index(through) };
  }
}

/** Of a node's routes those that the kernel is given at once: what leads into the tunnel, or through a box into the other version of IP, waits for the device there. */
export const kernelRoutes = ({ routes }: Pick<NodePlan, 'routes'>): NamedRoute[] =>
  routes.flatMap(({ to, via }) => (via === 'tunnel' || isIpv4(via) !== isIpv4(to.address) ? [] : [{ to, via }]));

/** One end of a cable. */
export interface CableEnd {
  readonly at: Interfaces;
  readonly name: string;
  /** The bridge, made in the same namespace, that it is plugged into. */
  readonly bridge?: string;
  readonly addresses?: readonly InterfaceAddress[];
}

export interface Cable {
  readonly ends: readonly [CableEnd, CableEnd];
  /** Of both ends; 1500 when not given. */
  readonly mtu?: number;
}

export interface Bridge {
  readonly at: Interfaces;
  readonly name: string;
  readonly mtu?: number;
  readonly addresses?: readonly InterfaceAddress[];
}

export interface Wiring {
  readonly bridges?: readonly Bridge[];
  readonly cables?: readonly Cable[];
  readonly routes?: readonly { readonly at: Interfaces; readonly route: NamedRoute }[];
}

/**
 * Makes bridges and cables, sets everything up, gives addresses, then routes. The packets of a cable carry real checksums and are never larger
 * than its MTU: no work is left to hardware that is not there.
 */
export function wire({ bridges = [], cables = [], routes = [] }: Wiring): void {
  const making = new Batches();
  const configuring = new Batches();
  const made = new Map<Interfaces, string[]>();
  const configure = ({ at, name, addresses = [] }: Pick<CableEnd, 'at' | 'name' | 'addresses'>): void => {
    const index = at.index(name);
    for (const address of addresses) configuring.add(at, rtnetlink.addAddress(index, address));
    configuring.add(at, rtnetlink.setUp(index, true));
    const names = made.get(at);
    if (names) names.push(name);
    else made.set(at, [name]);
  };

  for (const { at, name, mtu } of bridges) making.add(at, rtnetlink.newBridge({ name, index: at.reserve(name), ...(mtu === undefined ? {} : { mtu }) }));
  for (const { ends: [near, far], mtu = 1500 } of cables) {
    const nearIndex = near.at.reserve(near.name);
    const farIndex = far.at.reserve(far.name);
    making.add(near.at, rtnetlink.newVeth({ name: near.name, index: nearIndex, mtu }, { name: far.name, index: farIndex, mtu }, far.at.namespace.fd));
    near.at.connected(near.name, far);
    far.at.connected(far.name, near);
    for (const { at, name, bridge } of [near, far]) {
      if (bridge !== undefined) configuring.add(at, rtnetlink.setMaster(at.index(name), at.index(bridge)));
    }
  }
  for (const bridge of bridges) configure(bridge);
  for (const { ends } of cables) ends.forEach(configure);
  for (const { at, route } of routes) configuring.add(at, at.routeRequest(route));

  making.commit();
  for (const [at, names] of made) switchOffOffloads(at.namespace, names);
  configuring.commit();
  for (const [at, names] of made) awaitCarrier(at.namespace, names);
}

/**
 * Replaces an address of an interface. The routes that the old one takes along are set again; where the new one lies in another subnet, `routes`
 * says which routers are to be used from there.
 */
export function changeAddress(at: Interfaces, name: string, from: InterfaceAddress, to: InterfaceAddress, routes: readonly NamedRoute[] = []): void {
  at.addAddress(name, to);
  routes.forEach((route) => at.addRoute(route));
  at.deleteAddress(name, from);
  at.setUp(name, true);
}

/** Requests by the namespace that they are for, in order. */
class Batches {
  readonly #batches = new Map<Interfaces, Request[]>();

  add(at: Interfaces, request: Request): void {
    const batch = this.#batches.get(at);
    if (batch) batch.push(request);
    else this.#batches.set(at, [request]);
  }

  commit(): void {
    for (const [at, requests] of this.#batches) at.commit(requests);
  }
}
