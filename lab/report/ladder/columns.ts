/** Where the lifelines stand: a column for each client, box and gateway, in the order in which a client's packets come by. */
import stringWidth from 'string-width';
import type { Network, NetworkNode } from '../../ladder/network.ts';
import { crowd, ranked } from '../../ladder/ranks.ts';

export interface Column {
  readonly label: string;
  readonly detail: string;
  readonly nodes: readonly NetworkNode[];
  readonly x: number;
}

export interface Columns {
  readonly width: number;
  /** What the times take on the left; 0 where there is no room for them, and they stand in front of the text. */
  readonly gutter: number;
  readonly columns: readonly Column[];
  /** Addresses have room beside ports. */
  readonly isRoomy: boolean;
  /** Clients for whom there is no room, and boxes that serve nobody else. */
  readonly hidden: ReadonlySet<string>;
  /** How many clients those are. */
  readonly more: number;
}

/** Room for `500 ──► 500` between two lifelines. */
const leastStep = 12;

/** Room for `192.168.1.10:4500 ──► 203.0.113.2:4500`. */
const roomy = 46;

/** From so many columns on, times stand in a gutter of their own. */
const wide = 72;

export function columnsOf(network: Network, width: number): Columns {
  const { rankOf } = ranked(network);
  const byWay = (one: NetworkNode, other: NetworkNode): number => rankOf(`node ${one.name}`) - rankOf(`node ${other.name}`);
  const all = network.nodes.filter(({ kind }) => kind === 'client' || kind === 'nat' || kind === 'gateway').toSorted(byWay);
  const gutter = width >= wide ? 12 : 0;
  const room = Math.floor((width - gutter - 3) / leastStep) + 1;
  const hidden = hiddenOf(network, all, room);
  const shown = all.filter(({ name }) => !hidden.has(name));
  const [first, last] = [gutter + 1, width - 2];
  const step = (last - first) / Math.max(1, shown.length - 1);
  const columns = shown.map((node, i): Column => ({ nodes: [node], label: node.name, detail: detailOf(node, Math.floor(step * (i === 0 || i === shown.length - 1 ? 0.5 : 1)) - 1 + (i === 0 ? gutter : 0)), x: Math.round(first + i * step) }));
  return { width, gutter, columns, isRoomy: step >= roomy, hidden, more: all.filter(({ kind, name }) => kind === 'client' && hidden.has(name)).length };
}

/** The last clients first, until the others fit; no more than a crowd is listened to one by one. */
function hiddenOf(network: Network, all: readonly NetworkNode[], room: number): ReadonlySet<string> {
  const clients = all.filter(({ kind }) => kind === 'client').map(({ name }) => name);
  const hidden = new Set<string>();
  const hide = (names: readonly string[]): void => {
    for (const name of names) hidden.add(name);
    for (const box of idleBoxes(network, hidden)) hidden.add(box);
  };
  hide(clients.slice(clients.length > crowd ? crowd - 1 : clients.length));
  for (let i = Math.min(clients.length, crowd) - 1; i > 0 && all.length - hidden.size > room; i--) hide([clients[i]!]);
  return hidden;
}

/** Boxes whose neighbours on some side are clients, all of them hidden. */
const idleBoxes = ({ nodes }: Network, hidden: ReadonlySet<string>): readonly string[] =>
  nodes.filter(({ kind, interfaces }) => kind === 'nat' && interfaces.some(({ segment }) => {
    const clients = nodes.filter((node) => node.kind === 'client' && node.interfaces.some((port) => port.segment === segment));
    return clients.length > 0 && clients.every(({ name }) => hidden.has(name));
  })).map(({ name }) => name);

/** Its addresses, or those of them that fit: of a box the outside, which the others see. */
function detailOf({ name, interfaces, kind }: NetworkNode, room: number): string {
  const addresses = interfaces.map(({ address }) => address).filter((address) => address !== '' && address !== name);
  if (addresses.length === 0) return '';
  const wanted = kind === 'nat' ? [addresses.join(' · '), addresses.at(-1)!] : [addresses[0]!];
  return wanted.find((text) => stringWidth(text) <= room) ?? '';
}
