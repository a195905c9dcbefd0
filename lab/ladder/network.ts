/** The topology as far as it is drawn: who is in it, in what part, and on which segments. */
import { describePrefix } from '../../src/core/address.ts';
import type { NodePlan } from '../../src/sim/plan.ts';
import type { System } from '../../src/wire/pfkey/dialect.ts';
import type { Engines } from '../run.ts';
import type { Topology } from '../topology/plan.ts';

export interface Network {
  readonly name: string;
  readonly title: string;
  readonly segments: readonly { readonly name: string; readonly prefix: string }[];
  readonly nodes: readonly NetworkNode[];
}

export interface NetworkNode {
  readonly name: string;
  readonly kind: 'client' | 'gateway' | 'host' | 'nat' | 'router';
  readonly interfaces: readonly { readonly name: string; readonly segment: string; readonly address: string }[];
  /** Of a box: its preset, and the ports that it does not translate. */
  readonly preset?: string;
  readonly pinned?: readonly number[];
  /** Of a box: what it ran on, where there was a choice. */
  readonly engine?: string;
  /** Of an endpoint: whose PF_KEY it speaks. */
  readonly system?: System;
}

/** `engines`: what each box runs on, where that is worth a word. */
export const networkOf = ({ name, title, plan, presets }: Topology, engines: Engines): Network => ({
  name,
  title,
  segments: plan.segments.map((segment) => ({ name: segment.name, prefix: describePrefix(segment.prefix) })),
  nodes: plan.nodes.map((node): NetworkNode => {
    const { name: box } = node;
    const common = { name: box, kind: kindOf(node), interfaces: node.interfaces.map(({ name: port, segment, address }) => ({ name: port, segment, address })) };
    if (node.kind === 'nat') return { ...common, pinned: node.box.behaviour.pinned.ports, ...(presets[box] !== undefined && { preset: presets[box] }), ...(engines[box] !== undefined && { engine: engines[box] }) };
    if (node.kind === 'host' && node.endpoint !== undefined) return { ...common, system: node.endpoint.system ?? 'linux' };
    return common;
  }),
});

/** As the cast has it: whoever has a peer to call is a client, whoever has a network behind it a gateway. */
function kindOf(node: NodePlan): NetworkNode['kind'] {
  if (node.kind !== 'host') return node.kind;
  const [connection] = node.endpoint?.ike.connections ?? [];
  if (connection === undefined) return 'host';
  return node.forwards || connection.remote === 'any' ? 'gateway' : 'client';
}
