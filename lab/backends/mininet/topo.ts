/** A mininet Topo of somebody's own as a topology: its nodes get the roles that they were given by name, its links become networks. */
import { describePrefix, parseAddress, parsePrefix } from '../../../src/core/address.ts';
import { Problem } from '../../problem.ts';
import { suggestion } from '../../suggest.ts';
import type { LoadedTopology } from '../../topology/load.ts';
import { topologySchema } from '../../topology/schema.ts';
import type { TopologySource } from '../../topology/schema.ts';
import { ownShelf } from '../../topology/shelf.ts';
import { describeTopo } from './topo-description.ts';
import type { TopoDescription } from './topo-description.ts';
import { networksOf } from './topo-networks.ts';
import type { Network } from './topo-networks.ts';

const roles = ['client', 'gateway', 'box', 'router'] as const;
type Role = (typeof roles)[number];

interface Part {
  readonly role: Role;
  readonly node: string;
  /** The switch, or the node at the other end, on the side that is outside. */
  readonly outside?: string;
}

/** `client=h1,box=r1,gateway=h2`; `box=r1@s2` says which of its networks is the outside. */
export function topoAsTopology(fileAndClass: string, map: string | undefined, presets = ownShelf.presets): LoadedTopology {
  const topo = describeTopo(fileAndClass);
  if (map === undefined) throw new Problem(`--mininet-topo: who is who? For example --mininet-map client=${topo.hosts[0]?.name ?? 'h1'},gateway=${topo.hosts[1]?.name ?? 'h2'}, and box= for each host that is a NAT box`);
  return topologyOf(topo, `${topo.file}:${topo.name}`, map, presets);
}

/** The same, of a class that has been asked already. */
export function topologyOf(topo: TopoDescription, name: string, map: string, presets = ownShelf.presets): LoadedTopology {
  const source = new TopoReading(topo, name, partsOf(map, topo)).source();
  return { name: name.replace(/^.*:/, ''), source, file: topologySchema.parse(source), presets, folder: '.', locate: ([, node]) => (node === undefined ? name : `${name}: ${String(node)}`) };
}

function partsOf(map: string, { hosts, switches }: TopoDescription): Part[] {
  const names = hosts.map(({ name }) => name);
  const wrong = (what: string): Problem => new Problem(`--mininet-map ${map}: ${what}`);
  const parts = map.split(',').map((item): Part => {
    const [, role, node, outside] = /^(\w+)=([^@=]+)(?:@(.+))?$/.exec(item.trim()) ?? [];
    if (role === undefined || node === undefined) throw wrong(`"${item}" is not ROLE=HOST, such as client=h1`);
    if (!isRole(role)) throw wrong(`no role "${role}"; ${suggestion(role, roles)}`);
    if (switches.includes(node)) throw wrong(`${node} is a switch, and only hosts have roles`);
    if (!names.includes(node)) throw wrong(`no host "${node}"; ${suggestion(node, names)}`);
    return { role, node, ...(outside !== undefined && { outside }) };
  });
  const twice = parts.find(({ node }, i) => parts.findIndex((one) => one.node === node) !== i);
  if (twice !== undefined) throw wrong(`${twice.node} has two roles`);
  if (!parts.some(({ role }) => role === 'client')) throw wrong('there is no client=');
  if (parts.filter(({ role }) => role === 'gateway').length !== 1) throw wrong('there must be one gateway=, and only one');
  return parts;
}

const isRole = (word: string): word is Role => (roles as readonly string[]).includes(word);

/** The network that a gateway protects where its class gives it none. */
const inner = 'protected';

class TopoReading {
  readonly #name: string;
  readonly #topo: TopoDescription;
  readonly #parts: readonly Part[];
  readonly #networks: readonly Network[];

  constructor(topo: TopoDescription, name: string, parts: readonly Part[]) {
    this.#topo = topo;
    this.#name = name;
    this.#parts = parts;
    this.#networks = networksOf(topo, name);
  }

  source(): TopologySource {
    const [gateway] = this.#with('gateway');
    const outside = this.#outsideOfGateway(gateway!);
    const hosts: [string, TopologySource['hosts'][string]][] = [];
    const routers: [string, NonNullable<TopologySource['routers']>[string]][] = [];
    for (const { name } of this.#topo.hosts) {
      const on = this.#on(name);
      if (on.length === 0) continue; // nobody reaches it
      const role = this.#parts.find(({ node }) => node === name)?.role;
      if (role === 'box') continue;
      if (role === 'gateway') hosts.push([name, this.#gateway(name, outside)]);
      else if (role === 'router' || (role === undefined && on.length > 1)) routers.push([name, { on: this.#several(name, 'a router'), ...this.#addresses(name, on) }]);
      else hosts.push([name, { on, ...this.#addresses(name, on), ...(role === 'client' && { connectsTo: gateway!.node }) }]);
    }
    return {
      title: `What ${this.#name} builds`,
      segments: { ...Object.fromEntries(this.#networks.map((network) => [network.name, { ...this.#prefix(network), ...network.impairment }])), ...(this.#on(gateway!.node).length === 1 && { [inner]: {} }) },
      nats: Object.fromEntries(this.#with('box').map((box) => [box.node, this.#box(box, outside)])),
      hosts: Object.fromEntries(hosts),
      routers: Object.fromEntries(routers),
    };
  }

  #gateway(name: string, outside: string): TopologySource['hosts'][string] {
    const protects = this.#on(name).find((network) => network !== outside);
    const on = [outside, ...(protects === undefined ? [] : [protects])];
    return { on, ...this.#addresses(name, on), protects: protects ?? inner };
  }

  #box({ node, outside: named }: Part, gatewaySide: string): NonNullable<TopologySource['nats']>[string] {
    const on = this.#several(node, 'a NAT box');
    const seen = this.#reach(gatewaySide, node);
    const outside = named !== undefined ? this.#networkAt(node, named) : this.#only(on.filter((network) => seen.has(network)), node, 'box');
    const inside = on.filter((network) => network !== outside);
    return { inside, outside, ...this.#addresses(node, [...inside, outside]) };
  }

  /** On which of its networks clients find the gateway. */
  #outsideOfGateway({ node, outside: named }: Part): string {
    const on = this.#on(node);
    if (on.length === 0) throw this.#wrong(node, 'has no link');
    if (on.length > 2) throw this.#wrong(node, `stands on ${on.join(', ')}: a gateway has an outside, and one network that it protects`);
    if (named !== undefined) return this.#networkAt(node, named);
    const seen = new Set(this.#with('client').flatMap((client) => this.#on(client.node).flatMap((network) => [...this.#reach(network, node)])));
    const found = on.filter((network) => seen.has(network));
    if (found.length === 0) throw this.#wrong(node, 'is reached by no client: there is no way of links, routers and NAT boxes between them');
    return this.#only(found, node, 'gateway');
  }

  #only(found: readonly string[], node: string, role: Role): string {
    const [first, ...others] = found;
    if (first !== undefined && others.length === 0) return first;
    const on = this.#on(node);
    throw this.#wrong(node, `stands on ${on.join(' and ')}, and which is its outside cannot be told: write ${role}=${node}@${on.at(-1)!}, for example`);
  }

  /** The networks that are reached from one without crossing a node: over routers and boxes. */
  #reach(from: string, without: string): Set<string> {
    const seen = new Set([from]);
    const crossed = this.#topo.hosts.map(({ name }) => name).filter((name) => name !== without && !this.#isEnd(name));
    for (const network of seen) for (const node of crossed) if (this.#on(node).includes(network)) for (const further of this.#on(node)) seen.add(further);
    return seen;
  }

  #isEnd(node: string): boolean {
    const role = this.#parts.find((part) => part.node === node)?.role;
    return role === 'client' || role === 'gateway';
  }

  #networkAt(node: string, place: string): string {
    const own = this.#networks.filter(({ ports }) => ports.some((port) => port.host === node));
    const found = own.find(({ name, places }) => name === place || places.includes(place));
    if (found === undefined) throw this.#wrong(node, `has no link to ${place}; ${suggestion(place, own.flatMap(({ places }) => places.filter((one) => one !== node)))}`);
    return found.name;
  }

  /** All its addresses, or none of them. */
  #addresses(node: string, on: readonly string[]): { address?: string[] } {
    const written = on.map((network) => this.#networks.find(({ name }) => name === network)!.ports.find(({ host }) => host === node)!.ip);
    if (written.every((one) => one === null)) return {};
    const missing = written.indexOf(null);
    if (missing >= 0) throw this.#wrong(node, `has an address on ${on[1 - missing] ?? on[0]!} and none on ${on[missing]!}: give it one there (params1, params2), or none at all`);
    return { address: written.map((one) => one!.split('/')[0]!) };
  }

  /** What is written there says which prefix it is. */
  #prefix({ name, ports }: Network): { prefix?: string } {
    let first: { readonly host: string; readonly prefix: string } | undefined;
    for (const { host, ip } of ports) {
      if (ip === null) continue;
      const [address = '', length = '8'] = ip.split('/'); // mininet's own default
      const prefix = parseAddress(address) && parsePrefix(`${address}/${length}`);
      if (prefix === undefined) throw this.#wrong(host, `"${ip}" on ${name} is no address such as 192.168.1.1/24`);
      first ??= { host, prefix: describePrefix(prefix) };
      if (first.prefix !== describePrefix(prefix)) throw this.#wrong(host, `${ip} is not on ${name}'s ${first.prefix}, where ${first.host} is`);
    }
    return first === undefined ? {} : { prefix: first.prefix };
  }

  #several(node: string, what: string): string[] {
    const on = this.#on(node);
    if (on.length < 2) throw this.#wrong(node, `stands on ${on.length === 0 ? 'no network' : `${on[0]!} only`}, and ${what} needs two`);
    return on;
  }

  #on(node: string): string[] {
    return this.#networks.filter(({ ports }) => ports.some(({ host }) => host === node)).sort((a, b) => portOf(a, node) - portOf(b, node)).map(({ name }) => name);
  }

  #with(role: Role): readonly Part[] {
    return this.#parts.filter((part) => part.role === role);
  }

  #wrong(node: string, what: string): Problem {
    return new Problem(`${this.#name}: ${node} ${what}`);
  }
}

const portOf = ({ ports }: Network, node: string): number => ports.find(({ host }) => host === node)!.port;
