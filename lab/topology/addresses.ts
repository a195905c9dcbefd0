/** Prefixes for segments and addresses for interfaces, where the topology does not write them. */
import { addressBytes, describePrefix, inPrefix, nthAddress, prefix as toPrefix } from '../../src/core/address.ts';
import type { IpAddress, Prefix } from '../../src/core/address.ts';
import { milliseconds } from '../../src/core/time.ts';
import type { InterfacePlan, SegmentPlan } from '../../src/sim/plan.ts';
import { Problem } from '../problem.ts';
import type { Locate } from '../yaml-file.ts';
import type { TopologyFile } from './schema.ts';

/** The hosts that came from one entry of the file: `client` → `client1`, `client2`, … */
export type Copies = Readonly<Record<string, readonly string[]>>;

/** Who stands on a segment decides what prefix it gets, where none is written. */
export function planSegments(file: TopologyFile, copies: Copies): Map<string, SegmentPlan> {
  const nats = Object.values(file.nats);
  const hosts = Object.entries(file.hosts);
  const pools = {
    private: numbered('192.168', 1, 24),
    crowd: numbered('10', 1, 16),
    carrier: numbered('100', 64, 16),
    protected: numbered('10.99', 0, 24),
    public: ['203.0.113.0/24', '198.51.100.0/24', '192.0.2.0/24', ...numbered('198.18', 0, 24)],
  };
  const written = Object.values(file.segments).flatMap(({ prefix }) => (prefix ? [describePrefix(prefix)] : []));
  const take = (pool: string[]): Prefix => toPrefix(pool.splice(pool.findIndex((candidate) => !written.includes(candidate)), 1)[0]!);
  return new Map(
    Object.entries(file.segments).map(([name, segment]) => {
      const inside = nats.some((nat) => nat.inside.includes(name));
      const outside = nats.some((nat) => nat.outside === name);
      const crowd = hosts.filter(([, { on }]) => on.includes(name)).reduce((sum, [host]) => sum + copies[host]!.length, 0) + nats.length > 200;
      const isProtected = hosts.some(([, { protects }]) => protects === name);
      const pool = crowd ? pools.crowd : isProtected ? pools.protected : inside && outside ? pools.carrier : inside ? pools.private : pools.public;
      return [
        name,
        {
          name,
          prefix: segment.prefix ?? take(pool),
          mtu: segment.mtu ?? 1500,
          impairment: {
            latency: segment.latency ?? milliseconds(1),
            jitter: segment.jitter ?? milliseconds(0),
            loss: segment.loss ?? 0,
            duplication: segment.duplication ?? 0,
            reordering: segment.reordering ?? 0,
            reorderDelay: segment.reorderDelay ?? milliseconds(5),
          },
        },
      ];
    }),
  );
}

/** Candidates of one size: 192.168.1.0/24, 192.168.2.0/24, … */
const numbered = (head: string, first: number, length: 16 | 24): string[] => Array.from({ length: 100 }, (_, i) => (length === 24 ? `${head}.${first + i}.0/24` : `${head}.${first + i}.0.0/16`));

/** Each node's interfaces, by its name. */
export type Interfaces = ReadonlyMap<string, readonly InterfacePlan[]>;

export interface Addressing {
  readonly interfaces: Interfaces;
  /** A box's outside addresses, the one of its interface first. */
  readonly pools: ReadonlyMap<string, readonly IpAddress[]>;
}

/** Where addresses may be written, and for which segments they are. */
const written = ({ nats, routers, hosts }: TopologyFile): { readonly path: readonly string[]; readonly on: readonly string[]; readonly address: readonly IpAddress[] | undefined }[] => [
  ...Object.entries(nats).map(([box, { inside, outside, address }]) => ({ path: ['nats', box, 'address'], on: [...inside, outside], address })),
  ...Object.entries(routers).map(([router, { on, address }]) => ({ path: ['routers', router, 'address'], on, address })),
  ...Object.entries(hosts).map(([host, { on, address }]) => ({ path: ['hosts', host, 'address'], on, address })),
];

/** Boxes, routers and gateways count from .1 on a segment, hosts from .10 on; written addresses are kept. `poolSizes`: how many outside addresses each box has. */
export function planInterfaces(file: TopologyFile, segments: ReadonlyMap<string, SegmentPlan>, copies: Copies, poolSizes: ReadonlyMap<string, number>, locate: Locate): Addressing {
  const used = new Map([...segments.keys()].map((name) => [name, new Set<IpAddress>()]));
  for (const { path, on, address } of written(file)) {
    address?.forEach((one, i) => {
      const segment = segments.get(on[i] ?? '');
      if (!segment) throw new Problem(`${locate(path)}: ${address.length} addresses for ${on.length} segments`);
      if (!inPrefix(one, segment.prefix)) throw new Problem(`${locate(path)}: ${one} is not in ${segment.name}'s prefix ${describePrefix(segment.prefix)}`);
      if (used.get(segment.name)!.has(one)) throw new Problem(`${locate(path)}: ${one} is taken on ${segment.name} already`);
      used.get(segment.name)!.add(one);
    });
  }
  const cursors = new Map<string, number>();
  const free = (segment: string, from: number): IpAddress => {
    const { prefix } = segments.get(segment)!;
    const last = 2 ** (addressBytes(prefix.address).length * 8 - prefix.length) - 2;
    const cursor = `${segment}/${from}`;
    for (let n = cursors.get(cursor) ?? from; n <= last; n++) {
      const candidate = nthAddress(prefix, n);
      if (used.get(segment)!.has(candidate)) continue;
      used.get(segment)!.add(candidate);
      cursors.set(cursor, n + 1);
      return candidate;
    }
    throw new Problem(`${locate(['segments', segment])}: ${describePrefix(prefix)} has no room for all that stand on ${segment}; write a larger prefix`);
  };
  const place = (on: readonly string[], from: number, own: readonly IpAddress[] = []): InterfacePlan[] =>
    on.map((segment, i) => ({ name: `eth${i}`, segment, address: own[i] ?? free(segment, from), prefixLength: segments.get(segment)!.prefix.length }));

  const interfaces = new Map<string, readonly InterfacePlan[]>();
  for (const [box, { inside, outside, address }] of Object.entries(file.nats)) interfaces.set(box, place([...inside, outside], 1, address));
  for (const [router, { on, address }] of Object.entries(file.routers)) interfaces.set(router, place(on, 1, address));
  for (const [entry, host] of Object.entries(file.hosts)) {
    const on = host.protects === undefined || host.on.includes(host.protects) ? host.on : [...host.on, host.protects];
    for (const copy of copies[entry]!) interfaces.set(copy, place(on, host.protects === undefined ? 10 : 1, host.address));
  }
  const further = (segment: string, count: number): IpAddress[] => Array.from({ length: count - 1 }, () => free(segment, 1));
  const pools = new Map(Object.entries(file.nats).map(([box, { outside }]) => [box, [interfaces.get(box)!.at(-1)!.address, ...further(outside, poolSizes.get(box)!)]]));
  return { interfaces, pools };
}
