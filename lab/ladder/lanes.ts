/** The columns of the ladder, in the order in which a client's packets come by. */
import type { Journeys } from './journey.ts';
import type { Network, NetworkNode } from './network.ts';
import { ranked } from './ranks.ts';

export interface Lane {
  readonly label: string;
  readonly detail: string;
  readonly nodes: readonly NetworkNode[];
}

/** Clients first; nodes that are drawn as one share a lane, and who has seen no packet has none. */
export function lanesOf(network: Network, { all }: Journeys): readonly Lane[] {
  const busy = new Set(all.flatMap(({ sightings }) => sightings.map(({ node }) => node)));
  const { groups, rankOf } = ranked(network);
  return groups
    .filter((group) => group.some(({ name, kind }) => busy.has(name) || kind === 'client' || kind === 'gateway' || kind === 'nat'))
    .toSorted(([one], [other]) => rankOf(`node ${one!.name}`) - rankOf(`node ${other!.name}`))
    .map((nodes) => ({
      nodes,
      label: nodes.length === 1 ? nodes[0]!.name : `${nodes.length} × ${nodes[0]!.name.replace(/\d+$/, '')}`,
      detail: nodes.length === 1 ? nodes[0]!.interfaces.map(({ address }) => address).join(' · ') : '',
    }));
}

/** -1 for who has none. */
export const laneOf = (lanes: readonly Pick<Lane, 'nodes'>[], node: string): number => lanes.findIndex(({ nodes }) => nodes.some(({ name }) => name === node));
