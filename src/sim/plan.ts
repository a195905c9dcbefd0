/**
 * What is built: every node with its interfaces, addresses and routes, nothing left to be decided. The topology loader makes it; the
 * simulator and the real backends build it.
 */
import type { IpAddress, Prefix } from '../core/address.ts';
import type { Duration } from '../core/time.ts';
import type { EndpointConfig } from '../host/ports.ts';
import type { NatBoxConfig } from '../nat/behaviour.ts';
import type { FirewallProtocol } from './firewall.ts';

export interface WorldPlan {
  readonly segments: readonly SegmentPlan[];
  readonly nodes: readonly NodePlan[];
}

/** A LAN, or a link between two. */
export interface SegmentPlan {
  readonly name: string;
  readonly prefix: Prefix;
  readonly mtu: number;
  readonly impairment: Impairment;
}

/** What the path does to packets. Probabilities in 0 … 1; all 0 and no latency is a perfect link. */
export interface Impairment {
  readonly latency: Duration;
  readonly jitter: Duration;
  readonly loss: number;
  readonly duplication: number;
  /** The share of packets held back by `reorderDelay`, so that later ones overtake them. */
  readonly reordering: number;
  readonly reorderDelay: Duration;
}

export type NodePlan = HostPlan | NatPlan | RouterPlan;

interface NodeOnSegments {
  readonly name: string;
  readonly interfaces: readonly InterfacePlan[];
  readonly routes: readonly RoutePlan[];
}

export interface InterfacePlan {
  readonly name: string; // eth0, eth1, … in the order of the topology
  readonly segment: string;
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/** A next hop, or the tunnel device where traffic meets the IPsec policy. Routes to the interfaces' own prefixes are implied. */
export interface RoutePlan {
  readonly to: Prefix;
  readonly via: IpAddress | 'tunnel';
}

export interface HostPlan extends NodeOnSegments {
  readonly kind: 'host';
  /** Passes on packets that are not for itself: a gateway with a network behind it. */
  readonly forwards: boolean;
  /** Its IKE daemon and IPsec stack, where it has them. */
  readonly endpoint?: EndpointConfig;
}

export interface NatPlan extends NodeOnSegments {
  readonly kind: 'nat';
  readonly box: NatBoxConfig;
  /** Interfaces by name. */
  readonly inside: readonly string[];
  readonly outside: string;
}

export interface RouterPlan extends NodeOnSegments {
  readonly kind: 'router';
  /** A firewall: it forwards these protocols and no other. Everything when not said. */
  readonly passes?: readonly FirewallProtocol[];
}
