/** Decides all that a topology leaves open: copies of hosts, prefixes, addresses, routes, the endpoints' configuration. */
import { isIpv4, prefix as toPrefix } from '../../src/core/address.ts';
import type { IpAddress } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { Ipv6Translation, NatBoxConfig, NatPreset, PortForward } from '../../src/nat/behaviour.ts';
import type { HostPlan, NatPlan, NodePlan, RouterPlan, SegmentPlan, WorldPlan } from '../../src/sim/plan.ts';
import { Problem } from '../problem.ts';
import { suggestion } from '../suggest.ts';
import type { Locate } from '../yaml-file.ts';
import { planInterfaces, planSegments } from './addresses.ts';
import type { Copies, Interfaces } from './addresses.ts';
import { asDaemon, daemonPresets } from './daemons.ts';
import { endpointConfig, identityOf } from './endpoints.ts';
import { checkImage, imagePlan } from './images.ts';
import { planIpv6Boxes } from './ipv6-boxes.ts';
import { turned } from './knobs.ts';
import type { LoadedTopology } from './load.ts';
import { Routing } from './routing.ts';
import type { HostFile, NatFile, TopologyFile } from './schema.ts';
import { presetOn } from './shelf.ts';
import { warningsOf } from './warnings.ts';

/** A topology with nothing left open. */
export interface Topology {
  readonly name: string;
  readonly title: string;
  readonly plan: WorldPlan;
  /** The preset that each box started from. */
  readonly presets: Readonly<Record<string, string>>;
  readonly copies: Copies;
  /** What cannot work in it: the place, what is wrong, what to do. */
  readonly warnings: readonly string[];
}

export const defaultPreset = 'linux-masquerade';
const defaultPools = { 4: toPrefix('10.98.0.0/16'), 6: toPrefix('fd98::/64') } as const;

export function planTopology({ name, file, locate, presets, folder }: LoadedTopology): Topology {
  checkNames(file, presets, locate);
  const copies = Object.fromEntries(Object.entries(file.hosts).map(([host, { count }]) => [host, copiesOf(host, count)]));
  const segments = planSegments(file, copies);
  checkVersions(file, segments, locate);
  const behaviours = new Map(Object.entries(file.nats).map(([box, nat]) => [box, turned(presetOf(nat, presets).behaviour, nat.behaviour, (knob) => locate(['nats', box, 'behaviour', ...knob]))]));
  const poolSizes = new Map(Array.from(behaviours, ([box, { pool }]) => [box, pool.addresses]));
  const { interfaces, pools } = planInterfaces(file, segments, copies, poolSizes, locate);
  const ipv6Boxes = planIpv6Boxes(file, segments, (nat) => presetOf(nat, presets), locate);
  const routing = new Routing(file, interfaces, copies, ipv6Boxes);
  const nodes: NodePlan[] = [
    ...Object.entries(file.nats).map(([box, nat]) => natPlan(box, nat, { behaviour: behaviours.get(box)!, ...ownAddresses(pools.get(box)!, ipv6Boxes.get(box)) }, interfaces, routing, segments, locate)),
    ...Object.keys(file.routers).map((router): RouterPlan => ({ kind: 'router', name: router, interfaces: interfaces.get(router)!, routes: routing.routesOf(router), ...(file.routers[router]!.passes && { passes: file.routers[router]!.passes }) })),
    ...Object.entries(file.hosts).flatMap(([entry, host]) => copies[entry]!.map((copy) => hostPlan(copy, host, file, interfaces, routing, segments, folder))),
  ];
  return {
    name,
    title: file.title,
    plan: { segments: [...segments.values()], nodes },
    presets: Object.fromEntries(Object.entries(file.nats).map(([box, nat]) => [box, nat.preset ?? defaultPreset])),
    copies,
    warnings: warningsOf(file, nodes, (entry) => copies[entry]![0]!, locate),
  };
}

/** What the box starts from; its name has been checked. */
const presetOf = ({ preset = defaultPreset }: NatFile, presets: readonly NatPreset[]): NatPreset => presetOn(presets, preset)!;

const copiesOf = (host: string, count: number | undefined): string[] => (count === undefined ? [host] : Array.from({ length: count }, (_, i) => `${host}${i + 1}`));

function checkNames(file: TopologyFile, presets: readonly NatPreset[], locate: Locate): void {
  const known = (kind: string, names: readonly string[], wanted: string, path: readonly PropertyKey[]): void => {
    if (!names.includes(wanted)) throw new Problem(`${locate(path)}: no ${kind} "${wanted}"; ${suggestion(wanted, names)}`);
  };
  const segments = Object.keys(file.segments);
  const hosts = Object.keys(file.hosts);
  for (const [box, nat] of Object.entries(file.nats)) {
    for (const inside of nat.inside) known('segment', segments, inside, ['nats', box, 'inside']);
    known('segment', segments, nat.outside, ['nats', box, 'outside']);
    known('preset', presets.map((preset) => preset.name), nat.preset ?? defaultPreset, ['nats', box, 'preset']);
    nat.forwards?.forEach((forward, i) => known('host', hosts, forward.to, ['nats', box, 'forwards', i, 'to']));
  }
  for (const [router, { on }] of Object.entries(file.routers)) for (const segment of on) known('segment', segments, segment, ['routers', router, 'on']);
  for (const [host, { on, connectsTo, through, protects, address, daemon }] of Object.entries(file.hosts)) {
    if (daemon !== undefined) known('daemon', daemonPresets.map((preset) => preset.name), daemon, ['hosts', host, 'daemon']);
    for (const segment of on) known('segment', segments, segment, ['hosts', host, 'on']);
    if (protects !== undefined) known('segment', segments, protects, ['hosts', host, 'protects']);
    if (through !== undefined) known('NAT box', Object.keys(file.nats), through, ['hosts', host, 'through']);
    if (connectsTo !== undefined) {
      known('host', hosts, connectsTo, ['hosts', host, 'connectsTo']);
      if (file.hosts[connectsTo]!.protects === undefined) throw new Problem(`${locate(['hosts', host, 'connectsTo'])}: ${connectsTo} is no gateway: give it "protects: SEGMENT"`);
    }
    checkImage(host, file.hosts[host]!, locate);
    const { system, ike, esp } = file.hosts[host]!;
    esp?.proposals?.forEach(({ encryption, integrity }, i) => {
      const path = ['hosts', host, 'esp', 'proposals', i];
      if (esp.protocol === 'ah' && (encryption.length > 0 || integrity.every((name) => name === 'none'))) throw new Problem(`${locate(path)}: AH has integrity and no encryption: write integrity: [hmac-sha2-256-128]`);
      if (esp.protocol !== 'ah' && encryption.length === 0) throw new Problem(`${locate(path)}: ESP without encryption; write encryption: [{ name: aes-gcm-16 }], or protocol: ah beside the proposals`);
    });
    if (system === 'illumos' && typeof ike?.keepalive === 'number' && ike.keepalive > seconds(600)) throw new Problem(`${locate(['hosts', host, 'ike', 'keepalive'])}: illumos sends keepalives every 600 s at the longest`);
    if (address !== undefined && file.hosts[host]!.count !== undefined) throw new Problem(`${locate(['hosts', host, 'address'])}: a host with a count cannot have one address; leave it out`);
  }
}

/** What a gateway gives out is of the version that the network behind it has. */
function checkVersions(file: TopologyFile, segments: ReadonlyMap<string, SegmentPlan>, locate: Locate): void {
  const versionOf = (segment: string): 4 | 6 => (isIpv4(segments.get(segment)!.prefix.address) ? 4 : 6);
  for (const [host, { protects, pool }] of Object.entries(file.hosts)) {
    if (protects === undefined || pool === undefined || isIpv4(pool.address) === (versionOf(protects) === 4)) continue;
    throw new Problem(`${locate(['hosts', host, 'pool'])}: ${protects} has IPv${versionOf(protects)}, and the pool has not`);
  }
}

function natPlan(name: string, nat: NatFile, box: Pick<NatBoxConfig, 'behaviour' | 'outsideAddresses' | 'ipv6'>, interfaces: Interfaces, routing: Routing, segments: ReadonlyMap<string, SegmentPlan>, locate: Locate): NatPlan {
  const own = interfaces.get(name)!;
  const outside = own.at(-1)!;
  const forwards = (nat.forwards ?? []).map((forward, i): PortForward => {
    const target = interfaces.get(forward.to)?.find(({ segment }) => nat.inside.includes(segment));
    if (!target) throw new Problem(`${locate(['nats', name, 'forwards', i, 'to'])}: ${forward.to} is not on the inside of ${name}`);
    return forward.protocol === 'esp' ? { protocol: 'esp', to: target.address } : { protocol: forward.protocol, port: forward.port, to: { address: target.address, port: forward.toPort ?? forward.port } };
  });
  return {
    kind: 'nat',
    name,
    interfaces: own,
    routes: [...routing.routesOf(name), ...(box.ipv6?.kind === 'nat64' ? [{ to: box.ipv6.pref64, via: outside.address }] : [])],
    inside: own.slice(0, -1).map((one) => one.name),
    outside: outside.name,
    box: {
      name,
      ...box,
      insidePrefixes: nat.inside.map((segment) => segments.get(segment)!.prefix),
      forwards,
    },
  };
}

/** A prefix translator stands for a whole prefix, which others route to it. */
const ownAddresses = (outsideAddresses: readonly IpAddress[], ipv6: Ipv6Translation | undefined): Pick<NatBoxConfig, 'outsideAddresses' | 'ipv6'> =>
  ipv6 === undefined ? { outsideAddresses } : { outsideAddresses: ipv6.kind === 'nptv6' ? [] : outsideAddresses, ipv6 };

function hostPlan(name: string, host: HostFile, file: TopologyFile, interfaces: Interfaces, routing: Routing, segments: ReadonlyMap<string, SegmentPlan>, folder: string): HostPlan {
  const own = interfaces.get(name)!;
  const routes = routing.routesOf(name);
  const image = host.image === undefined ? undefined : imagePlan(host.image, host, folder, namesFor(name, host, file, interfaces, routing));
  const base = { kind: 'host', name, interfaces: own, forwards: host.protects !== undefined, ...(image && { image }) } as const;
  const gatewayFile = asDaemon(host.connectsTo === undefined ? host : file.hosts[host.connectsTo]!);
  if (gatewayFile.protects === undefined) return { ...base, routes };
  const protectedPrefix = segments.get(gatewayFile.protects)!.prefix;
  const pool = gatewayFile.pool ?? defaultPools[isIpv4(protectedPrefix.address) ? 4 : 6];
  const role =
    host.connectsTo === undefined
      ? ({ role: 'gateway', protects: protectedPrefix, pool, ...(host.pool && host.ike?.virtualAddress === 'none' && { clientsOwn: host.pool }), innerAddress: own.find(({ segment }) => segment === host.protects)!.address } as const)
      : ({ role: 'client', gateway: host.connectsTo, gatewayIdentity: identityOf(host.connectsTo, interfaces.get(host.connectsTo)![0]!.address, gatewayFile), gatewayAddress: routing.reach(name, host.connectsTo, host.through), protects: protectedPrefix } as const);
  const [address, ...otherAddresses] = own.filter(({ segment }) => segment !== host.protects).map((one) => one.address) as [IpAddress, ...IpAddress[]];
  return {
    ...base,
    // What goes into its tunnel a daemon of somebody's own decides.
    routes: image === undefined ? [...routes, { to: role.role === 'client' ? protectedPrefix : pool, via: 'tunnel' }] : routes,
    endpoint: endpointConfig(name, { address, ...(otherAddresses.length > 0 && { otherAddresses }) }, asDaemon(host), role),
  };
}

/** The hosts' names as this one is to know them. */
const namesFor = (name: string, { connectsTo, through }: HostFile, { hosts }: TopologyFile, interfaces: Interfaces, routing: Routing): Readonly<Record<string, IpAddress>> => ({
  ...Object.fromEntries(Array.from(interfaces).flatMap(([other, [first]]) => (other in hosts ? [[other, first!.address]] : []))),
  ...(connectsTo !== undefined && { [connectsTo]: routing.reach(name, connectsTo, through) }),
});
