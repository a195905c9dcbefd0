/** Who stands how far from the clients, and who is drawn as one. */
import type { Network, NetworkNode } from './network.ts';

/** More clients than this on one segment are drawn as one. */
export const crowd = 4;

/** Nodes that are drawn as one, by rank; segments stand between the ranks of their nodes. */
export function ranked(network: Network): { readonly groups: readonly (readonly NetworkNode[])[]; readonly rankOf: (name: string) => number } {
  const ranks = new Map<string, number>();
  const clients = network.nodes.filter(({ kind }) => kind === 'client');
  let edge = (clients.length > 0 ? clients : network.nodes.slice(0, 1)).map(({ name }) => `node ${name}`);
  for (const name of edge) ranks.set(name, 0);
  for (let rank = 1; edge.length > 0; rank++) {
    const next = new Set(edge.flatMap((place) => neighbours(network, place)));
    edge = [...next].filter((place) => !ranks.has(place));
    for (const place of edge) ranks.set(place, rank);
  }
  const rankOf = (place: string): number => ranks.get(place) ?? 0;
  return { groups: grouped(network), rankOf };
}

function neighbours({ nodes }: Network, place: string): string[] {
  const [kind, name] = place.split(' ');
  return kind === 'node'
    ? nodes.filter((node) => node.name === name).flatMap(({ interfaces }) => interfaces.map(({ segment }) => `segment ${segment}`))
    : nodes.filter(({ interfaces }) => interfaces.some(({ segment }) => segment === name)).map((node) => `node ${node.name}`);
}

function grouped({ nodes }: Network): readonly (readonly NetworkNode[])[] {
  const alike = byKey(nodes, ({ kind, name, interfaces }) => (kind === 'client' || kind === 'host' ? `${kind} ${interfaces.map(({ segment }) => segment).join(' ')}` : `one ${name}`));
  return [...alike.values()].flatMap((group) => (group.length > crowd ? [group] : group.map((node) => [node])));
}

export function byKey<T, K>(all: readonly T[], key: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const one of all) {
    const group = groups.get(key(one));
    if (group === undefined) groups.set(key(one), [one]);
    else group.push(one);
  }
  return groups;
}
