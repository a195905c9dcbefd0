/** A plan in an engine: a network for each segment, a container for each node. */
import { addressBytes, inPrefix, parsePrefix } from '../../../src/core/address.ts';
import type { IpAddress, Prefix } from '../../../src/core/address.ts';
import type { NodePlan, WorldPlan } from '../../../src/sim/plan.ts';
import type Docker from 'dockerode';
import type { EngineFacts } from './engine.ts';
import { removed, statusOf } from './engine.ts';
import { agentCommand } from './image.ts';
import { labelsOf } from './run.ts';
import type { Run } from './run.ts';
import { wireMtu } from './wire.ts';

/** Where Docker has put one of a node's interfaces. */
export interface Place {
  readonly hardwareAddress: string;
  readonly address: IpAddress;
}

/** What of /proc stays read-only as Docker has it (its `ReadonlyPaths`), but for the settings of the container's own network. */
const readOnly = ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sysrq-trigger', ...['abi', 'debug', 'dev', 'fs', 'kernel', 'vm'].map((part) => `/proc/sys/${part}`)];

/**
 * The least that a node does with: its own interfaces, routes and rules (NET_ADMIN), packet and raw sockets (NET_RAW), ports 500 and 4500 where they are
 * privileged. AppArmor's profile for containers would forbid what writes to /proc/sys, SELinux' what reads a foreign /usr.
 */
const powers = ({ confinements }: EngineFacts): Docker.HostConfig => ({
  CapDrop: ['ALL'],
  CapAdd: ['NET_ADMIN', 'NET_RAW', 'NET_BIND_SERVICE'],
  Devices: [{ PathOnHost: '/dev/net/tun', PathInContainer: '/dev/net/tun', CgroupPermissions: 'rwm' }],
  ReadonlyPaths: readOnly,
  SecurityOpt: [...(confinements.includes('apparmor') ? ['apparmor=unconfined'] : []), ...(confinements.includes('selinux') ? ['label=disable'] : [])],
});

/** A network that a segment's frames travel through. */
export interface Wire {
  readonly segment: string;
  readonly mtu: number;
  readonly network: Docker.Network;
  readonly subnets: readonly Prefix[];
}

/** Whether a network can be the wire of this plan: it carries what must be carried, and shares no address with it. */
export const fits = ({ mtu, subnets }: Wire, plan: WorldPlan): boolean => mtu === wireMtu(plan) && !subnets.some((subnet) => prefixesOf(plan).some((other) => overlap(subnet, other)));

/** Makes networks that fit: which ones is Docker's choice, and two runs at once never get the same. */
export async function makeNetworks(run: Run, prefix: string, plan: WorldPlan, segments: readonly string[]): Promise<readonly Wire[]> {
  const [suitable, unsuitable]: [Wire[], Wire[]] = [[], []];
  const mtu = wireMtu(plan);
  try {
    for (const [n, segment] of segments.entries()) {
      for (let attempt = 0; suitable.length === n; attempt++) {
        const network = await run.engine.docker.createNetwork({
          Name: `${prefix}-${n}${attempt === 0 ? '' : `-${attempt}`}`,
          Driver: 'bridge',
          Internal: true,
          Labels: labelsOf(run),
          Options: { 'com.docker.network.driver.mtu': String(mtu) },
        });
        const subnets = ((await network.inspect()).IPAM?.Config ?? []).flatMap(({ Subnet = '' }) => parsePrefix(Subnet) ?? []);
        const wire = { segment, mtu, network, subnets };
        // Those that do not fit are kept until the end, so that Docker offers another one.
        (fits(wire, plan) ? suitable : unsuitable).push(wire);
      }
    }
    return suitable;
  } catch (error) {
    await removeNetworks(suitable.map(({ network }) => network));
    throw error;
  } finally {
    await removeNetworks(unsuitable.map(({ network }) => network));
  }
}

const prefixesOf = ({ segments, nodes }: WorldPlan): Prefix[] => [...segments.map(({ prefix }) => prefix), ...nodes.flatMap(({ routes }) => routes.flatMap(({ to }) => (to.length > 0 ? [to] : [])))];

const overlap = (a: Prefix, b: Prefix): boolean => addressBytes(a.address).length === addressBytes(b.address).length && (inPrefix(a.address, b) || inPrefix(b.address, a));

/** Not started yet. */
export async function makeContainer(run: Run, name: string, node: NodePlan, wires: readonly Wire[]): Promise<Docker.Container> {
  const { docker, about } = run.engine;
  // Who shares its network shares its name, and the names that it knows.
  const image = node.kind === 'host' ? node.image : undefined;
  const [first, ...others] = wires.map(({ network }) => network);
  const container = await docker.createContainer({
    name,
    Image: run.image.id,
    Cmd: [...agentCommand],
    Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    Labels: labelsOf(run),
    OpenStdin: true,
    StdinOnce: true,
    ...(image && { Hostname: hostname(node.name) }),
    HostConfig: { ...powers(about), ...(image && { ExtraHosts: Object.entries(image.names).map(([host, address]) => `${host}:${address}`) }), AutoRemove: true, NetworkMode: first?.id ?? 'none', Binds: [...run.image.binds], LogConfig: { Type: 'none', Config: {} } },
  });
  try {
    for (const network of others) await network.connect({ Container: container.id });
    return container;
  } catch (error) {
    await removed(container.remove({ force: true }));
    throw error;
  }
}

/** RFC 1123 §2.1 */
const hostname = (name: string): string => name.replace(/[^A-Za-z0-9-]/g, '-').slice(0, 63);

/** By segment. Docker knows when the container has started. */
export async function placesOf(container: Docker.Container, wires: readonly Wire[]): Promise<ReadonlyMap<string, Place>> {
  const { NetworkSettings } = await container.inspect();
  const byId = new Map(Object.values(NetworkSettings.Networks).map((settings) => [settings.NetworkID, settings]));
  return new Map(
    wires.flatMap(({ segment, network }): [string, Place][] => {
      const settings = byId.get(network.id);
      return settings === undefined ? [] : [[segment, { hardwareAddress: settings.MacAddress, address: settings.IPAddress as IpAddress }]];
    }),
  );
}

/** Kills and removes; what its container left of an interface, Docker takes away with it. */
export const removeContainer = (container: Docker.Container): Promise<void> => removed(container.remove({ force: true, v: true }));

/** Docker needs a moment between the end of a container and that of its interfaces. */
export async function removeNetworks(networks: readonly Docker.Network[]): Promise<void> {
  await Promise.all(
    networks.map(async (network) => {
      for (let attempt = 0; ; attempt++) {
        try {
          await removed(network.remove());
          return;
        } catch (error) {
          if (statusOf(error) !== 403 || attempt === 50) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    }),
  );
}
