/** Who plays: a lesson names roles, a topology gives the players. So a lesson runs on any topology that has them. */
import type { IpAddress } from '../../src/core/address.ts';
import type { HostPlan, InterfacePlan, NatPlan } from '../../src/sim/plan.ts';
import { Problem } from '../problem.ts';
import { modeOf } from './ike-version.ts';
import type { IkeMode } from './ike-version.ts';
import type { Topology } from './plan.ts';
import type { LoadedTopology, Variation } from './load.ts';
import type { TopologySource } from './schema.ts';

export interface Cast {
  /** How the clients negotiate. */
  readonly ike: IkeMode;
  readonly clients: readonly Client[];
  readonly gateway: Gateway;
  /** From the clients' side to the gateway's, as a packet meets them. */
  readonly boxes: readonly NatPlan[];
  /** A host on the protected network, the one that clients ping; the gateway's own inner address where there is none. */
  readonly server: IpAddress;
  /** A host on the gateway's outer network, which no tunnel leads to; the gateway's own outer address where there is none. */
  readonly elsewhere: IpAddress;
}

export interface Client {
  readonly name: string;
  /** The name of its connection to the gateway. */
  readonly connection: string;
  readonly identity: string;
  readonly address: IpAddress;
  /** Where it believes the gateway to be. */
  readonly gatewayAddress: IpAddress;
  readonly plan: HostPlan;
}

export interface Gateway {
  readonly name: string;
  readonly connection: string;
  readonly address: IpAddress;
  readonly innerAddress: IpAddress;
  readonly plan: HostPlan;
}

/** What an act changes, by role: every client, the gateway, every box. Fields as in a topology file. */
export interface Adjustment {
  readonly clients?: Partial<TopologySource['hosts'][string]>;
  readonly gateway?: Partial<TopologySource['hosts'][string]>;
  readonly boxes?: Partial<NonNullable<TopologySource['nats']>[string]>;
}

export function adjustmentToVariation({ file, name: label }: LoadedTopology, { clients, gateway, boxes }: Adjustment): Variation {
  const players = Object.values(file.hosts).filter(({ connectsTo }) => connectsTo !== undefined).length;
  const { count = 0, ...asTheyAre } = clients ?? {};
  const hosts = Object.entries(file.hosts).flatMap(([name, host]): (readonly [string, Adjustment['clients' | 'gateway'] & object])[] => {
    // Nobody configures an image from here: who asks for more than another number of them is told so (lab/images.ts).
    if (host.image !== undefined) return host.connectsTo !== undefined && count > 0 ? [[name, { count }] as const] : [];
    // Whose address is written cannot be multiplied, and need not be where there are others enough.
    if (host.connectsTo !== undefined && host.address !== undefined && players < count) throw new Problem(`${label}: ${name} has an address of its own and cannot stand for ${count} clients: leave its address out, or have ${count} clients`);
    if (host.connectsTo !== undefined) return [[name, host.address !== undefined && players >= count ? asTheyAre : (clients ?? {})] as const];
    return host.protects !== undefined ? [[name, gateway ?? {}] as const] : [];
  });
  return { hosts: Object.fromEntries(hosts), nats: Object.fromEntries(Object.keys(file.nats).map((name) => [name, boxes ?? {}])) };
}

export function castOf(topology: Topology): Cast {
  const hosts = topology.plan.nodes.filter((node) => node.kind === 'host');
  const clients = hosts.flatMap((plan): Client[] => {
    const [connection] = plan.endpoint?.ike.connections ?? [];
    if (connection === undefined || connection.remote === 'any' || plan.forwards) return [];
    return [{ name: plan.name, connection: connection.name, identity: connection.localIdentity.value, address: outer(plan).address, gatewayAddress: connection.remote, plan }];
  });
  const gatewayPlan = hosts.find(({ endpoint, forwards }) => endpoint !== undefined && forwards);
  if (clients.length === 0) throw new Problem(`the topology ${topology.name} has no client: a host with "connectsTo: GATEWAY"`);
  if (gatewayPlan?.endpoint === undefined) throw new Problem(`the topology ${topology.name} has no gateway: a host with "protects: SEGMENT"`);
  const innerAddress = gatewayPlan.endpoint.innerAddress!;
  const protectedSegment = gatewayPlan.interfaces.find(({ address }) => address === innerAddress)!.segment;
  const server = hosts.find((plan) => plan !== gatewayPlan && plan.interfaces.some(({ segment }) => segment === protectedSegment));
  const bystander = hosts.find(({ endpoint, interfaces }) => endpoint === undefined && interfaces.some(({ segment }) => segment === outer(gatewayPlan).segment));
  const gateway = { name: gatewayPlan.name, connection: gatewayPlan.endpoint.ike.connections[0]!.name, address: outer(gatewayPlan).address, innerAddress, plan: gatewayPlan };
  return { ike: modeOf(clients[0]!.plan.endpoint!.ike.connections[0]!), clients, gateway, boxes: topology.plan.nodes.filter((node) => node.kind === 'nat'), server: server === undefined ? innerAddress : outer(server).address, elsewhere: outer(bystander ?? gatewayPlan).address };
}

const outer = ({ interfaces }: HostPlan): InterfacePlan => interfaces[0]!;
