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
  /** What runs there instead of the lab's own. Of a daemon in it `endpoint` then says what is known, and nothing is configured by that. */
  readonly image?: ImagePlan;
}

/** Somebody else's container: what a backend of containers starts at the place of the host. */
export interface ImagePlan {
  /** As the engine knows it: `my/strongswan:1`. */
  readonly name: string;
  /** Instead of the image's own. */
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Mounted for reading only. `source`: on the engine's machine. */
  readonly volumes: readonly { readonly source: string; readonly target: string }[];
  /** Beside those that a host of the lab has: `SYS_MODULE`. */
  readonly capabilities: readonly string[];
  readonly devices: readonly string[];
  /** A program in it that succeeds as soon as the daemon takes orders. */
  readonly ready?: readonly string[];
  /** A program in it that has the daemon begin. When not given, it begins when its container does. */
  readonly connect?: readonly string[];
  /** What the topology's names mean to it: its gateway's is where it reaches that. */
  readonly names: Readonly<Record<string, IpAddress>>;
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
