import type { Machine } from '../core/machine.ts';
import type { Random } from '../core/random.ts';
import type { EndpointConfig } from '../host/ports.ts';
import { PlainHost } from '../host/plain-host.ts';
import { natMachine, wantsWhole } from '../nat/machine.ts';
import { HostNode, type HostPrograms } from './host-node.ts';
import { IpNode, tunnel } from './ip-node.ts';
import { NatNode } from './nat-node.ts';
import type { NodeInput, NodeOutput } from './node.ts';
import type { HostPlan, InterfacePlan, NatPlan, NodePlan, SegmentPlan } from './plan.ts';
import { RawNode, type RawProgram } from './raw-node.ts';
import { RouterNode } from './router-node.ts';
import type { Segment } from './segment.ts';

/** Makes what runs on a host that has an endpoint. */
export type EndpointFactory = (config: EndpointConfig, random: Random) => HostPrograms;

/** What runs on hosts: where a host has a program of its own, that and nothing else. */
export interface Occupants {
  readonly endpoint: EndpointFactory;
  readonly programs?: ReadonlyMap<string, RawProgram> | undefined;
}

/** A segment as its stations know it. */
export interface PlannedSegment {
  readonly plan: SegmentPlan;
  readonly machine: Segment;
}

/** The ports of IKE and of UDP-encapsulated ESP (RFC 7296 §2.23). */
const endpointSockets = { udpPorts: [500, 4500], takesIpsec: true } as const;
const noSockets = { udpPorts: [], takesIpsec: false } as const;

/** The machine of a planned node, with its addresses attached to their segments. */
export function buildNode(plan: NodePlan, segments: ReadonlyMap<string, PlannedSegment>, random: Random, { endpoint, programs }: Occupants): Machine<NodeInput, NodeOutput> {
  const on = ({ segment }: InterfacePlan): PlannedSegment => named(segments, segment, 'segment');
  const ip = new IpNode(
    {
      attachments: plan.interfaces.map((planned) => ({ ...planned, mtu: on(planned).plan.mtu, neighbours: on(planned).machine })),
      routes: plan.routes,
      forwards: plan.kind !== 'host' || plan.forwards,
      ...(plan.kind === 'nat' && { border: { interface: plan.outside, reassembles: wantsWhole(plan.box) } }),
    },
    random.fork('ip'),
  );
  for (const planned of plan.interfaces) on(planned).machine.attach(planned.address, { node: plan.name, interface: planned.name });
  switch (plan.kind) {
    case 'host': {
      const program = programs?.get(plan.name);
      return program === undefined ? buildHost(plan, ip, random, endpoint) : new RawNode(ip, program, plan.interfaces.map(({ address }) => address));
    }
    case 'nat':
      for (const address of plan.box.outsideAddresses) on(outsideOf(plan)).machine.attach(address, { node: plan.name, interface: plan.outside });
      return new NatNode(ip, natMachine(plan.box, random.fork('box')), { outside: plan.outside, addresses: plan.box.outsideAddresses, ...(plan.box.ipv6?.kind === 'nptv6' && { prefix: plan.box.ipv6.outside }) });
    case 'router':
      return new RouterNode(ip, plan.passes);
  }
}

function buildHost({ endpoint: config, interfaces }: HostPlan, ip: IpNode, random: Random, endpoint: EndpointFactory): HostNode {
  const addresses = interfaces.map(({ address }) => address);
  if (config === undefined) return new HostNode(ip, new PlainHost(addresses, random.fork('programs')), noSockets);
  if (config.innerAddress !== undefined) ip.assign(config.innerAddress, tunnel); // unless an interface has it
  return new HostNode(ip, endpoint(config, random.fork('endpoint')), endpointSockets);
}

function outsideOf({ name, interfaces, outside }: NatPlan): InterfacePlan {
  const found = interfaces.find((planned) => planned.name === outside);
  if (found === undefined) throw new TypeError(`${name} has no interface ${outside}`);
  return found;
}

/** What bears the name; throws when nothing does. */
export function named<Thing>(things: ReadonlyMap<string, Thing>, name: string, kind: string): Thing {
  const thing = things.get(name);
  if (thing === undefined) throw new TypeError(`there is no ${kind} named ${name}`);
  return thing;
}
