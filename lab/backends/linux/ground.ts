/** What a plan's nodes stand on: a network namespace each, wired up. How it comes about is what Linux backends differ in. */
import { addressBytes, addressFromBytes, ip, isIpv4 } from '../../../src/core/address.ts';
import type { IpAddress } from '../../../src/core/address.ts';
import { concat } from '../../../src/core/bytes.ts';
import type { InterfacePlan, NodePlan, WorldPlan } from '../../../src/sim/plan.ts';
import type { Behaviour, Interfaces } from './links.ts';
import type { InterfaceAddress } from './rtnetlink.ts';

/** Disposing of it takes namespaces and cables down; by then nothing of the lab is left in them. */
export interface Ground extends AsyncDisposable {
  /** The interfaces of a node: made, addressed, up, and routed as far as `kernelRoutes` goes. Throws for a node that is not in the plan. */
  interfaces(node: string): Interfaces;
  /** Cuts a segment, or mends it. */
  link(segment: string, state: 'up' | 'down'): Promise<void>;
}

/** How the kernel of this node is to behave. */
export const behaviourOf = (node: NodePlan, { segments }: WorldPlan): Behaviour => ({
  forwarding: forwards(node),
  // Of a host in an IPv4 network too: what is in its tunnel may be IPv6.
  ipv6: segments.some(({ prefix }) => !isIpv4(prefix.address)),
});

/** What one of its interfaces is called in the network. */
export const addressesOf = (node: NodePlan, { address, prefixLength }: InterfacePlan): InterfaceAddress[] => [
  { address, length: prefixLength },
  ...(forwards(node) ? linkLocal(address) : []),
];

const forwards = (node: NodePlan): boolean => node.kind !== 'host' || node.forwards;

/** Linux asks for the neighbours of what it forwards from a link-local address only (RFC 4861 §7.2.2 leaves it the choice): here one with the interface's own identifier. */
const linkLocal = (address: IpAddress): InterfaceAddress[] =>
  isIpv4(address) ? [] : [{ address: addressFromBytes(concat(addressBytes(ip('fe80::')).subarray(0, 8), addressBytes(address).subarray(8))), length: 64 }];

/** Interface names have 15 octets at the most, segments have names of people's choice. */
export const bridgeName = ({ segments }: WorldPlan, segment: string): string => `segment${segments.findIndex(({ name }) => name === segment)}`;
