/** Where nodes and segments stand when a network is drawn: clients on the left, what they call on the right, whatever is between them between them. */
import type { Network, NetworkNode } from '../../../ladder/network.ts';
import { byKey, ranked } from '../../../ladder/ranks.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface DrawnNode extends Point {
  /** The node, or several that are alike and drawn as one. */
  readonly nodes: readonly NetworkNode[];
  readonly label: string;
  /** Below the name, a line each. */
  readonly lines: readonly string[];
  readonly width: number;
  readonly height: number;
}

export interface DrawnSegment {
  readonly name: string;
  readonly prefix: string;
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly isCompact: boolean;
  readonly nodes: readonly DrawnNode[];
  readonly segments: readonly DrawnSegment[];
  /** Above each column of segments, what they are called: those of two homes stand one below the other. */
  readonly captions: readonly { readonly x: number; readonly name: string; readonly prefix: string }[];
}

const margin = 12;
/** A column's share of the width goes to its nodes until an address or a preset's name fits, then to the segments beside them. */
const busRoom = (roomy: number): number => Math.max(30, Math.min(64, roomy - 120));

/** Fits the width; the height is what it takes. Where there is little room, names only. */
export function draw(network: Network, width: number): Drawing {
  const { groups, rankOf } = ranked(network);
  const last = Math.max(1, ...groups.map(([node]) => rankOf(`node ${node!.name}`)), ...network.segments.map(({ name }) => rankOf(`segment ${name}`)));
  const columns = last + 1;
  const roomy = (width - 2 * margin) / (columns / 2);
  const isCompact = roomy < 148;
  const nodeWidth = Math.max(44, Math.min(168, roomy - (isCompact ? 26 : busRoom(roomy))));
  const step = (width - 2 * margin - nodeWidth) / last;
  const byRank = byKey(groups, ([node]) => rankOf(`node ${node!.name}`));
  const lines = (group: readonly NetworkNode[]): readonly string[] => (isCompact ? [] : linesOf(group));
  const heightOf = (group: readonly NetworkNode[]): number => (isCompact ? 30 : 30 + 15 * lines(group).length);
  const gap = isCompact ? 14 : 20;
  const tall = Math.max(...[...byRank.values()].map((stack) => stack.reduce((sum, group) => sum + heightOf(group) + gap, -gap)));
  const head = isCompact ? 34 : 54;
  const height = head + tall + margin;
  const nodes = [...byRank].flatMap(([rank, stack]) => {
    const own = stack.reduce((sum, group) => sum + heightOf(group), 0);
    // the stack fills the height, so that what belongs together stands at one height
    const spread = stack.length === 1 ? 0 : Math.max(gap, (tall - own) / (stack.length - (tall - own > gap * stack.length ? 0 : 1)));
    let y = head + (tall - own - spread * (stack.length - 1)) / 2;
    return stack.map((group): DrawnNode => {
      const at = { x: margin + nodeWidth / 2 + rank * step, y: y + heightOf(group) / 2 };
      y += heightOf(group) + spread;
      return { ...at, nodes: group, label: labelOf(group), lines: lines(group), width: nodeWidth, height: heightOf(group) };
    });
  });
  const segments = network.segments.map(({ name, prefix }): DrawnSegment => {
    const ys = nodes.filter((drawn) => drawn.nodes.some((node) => node.interfaces.some(({ segment }) => segment === name))).map(({ y }) => y);
    const x = margin + nodeWidth / 2 + rankOf(`segment ${name}`) * step;
    const [top, bottom] = ys.length === 0 ? [head, head] : [Math.min(...ys), Math.max(...ys)];
    return { name, prefix, x, top: top - 16, bottom: bottom + 16 };
  });
  const captions = [...byKey(segments, ({ x }) => x)].map(([x, column]) => ({ x, name: listed(column.map(({ name }) => name)), prefix: listed(column.map(({ prefix }) => prefix)) }));
  return { width, height, isCompact, nodes, segments, captions };
}

/** Each once; of many the first and the last. */
function listed(words: readonly string[]): string {
  const all = [...new Set(words)];
  return all.length > 2 ? `${all[0]!} … ${all.at(-1)!}` : all.join(', ');
}

const labelOf = (group: readonly NetworkNode[]): string => (group.length === 1 ? group[0]!.name : `${group[0]!.name} … ${group.at(-1)!.name}`);

function linesOf(group: readonly NetworkNode[]): readonly string[] {
  const [node] = group;
  if (group.length > 1) return [`${group.length} of them`, `${node!.interfaces[0]!.address} …`];
  const { interfaces, preset, pinned = [], engine } = node!;
  return [...(preset === undefined ? [] : [preset]), ...(engine === undefined ? [] : [`engine: ${engine}`]), ...interfaces.map(({ address }) => address), ...(pinned.length === 0 ? [] : [`pinned: ${pinned.join(', ')}`])];
}

/** The way over a segment from one node to another, or to its middle where the packet was lost. */
export function wayOver(drawing: Drawing, segmentName: string, from: string, to: string | undefined): readonly Point[] {
  const segment = drawing.segments.find(({ name }) => name === segmentName);
  const [source, target] = [nodeAt(drawing, from), to === undefined ? undefined : nodeAt(drawing, to)];
  if (segment === undefined || source === undefined) return [];
  const start = [{ x: source.x, y: source.y }, { x: segment.x, y: source.y }];
  return target === undefined ? start : [...start, { x: segment.x, y: target.y }, { x: target.x, y: target.y }];
}

export const nodeAt = ({ nodes }: Drawing, name: string): DrawnNode | undefined => nodes.find((drawn) => drawn.nodes.some((node) => node.name === name));

/** The point at a share of a way. */
export function along(way: readonly Point[], share: number): Point {
  const lengths = way.slice(1).map((point, i) => Math.hypot(point.x - way[i]!.x, point.y - way[i]!.y));
  let left = lengths.reduce((sum, length) => sum + length, 0) * Math.min(1, Math.max(0, share));
  for (const [i, length] of lengths.entries()) {
    if (left <= length && length > 0) {
      const [from, to] = [way[i]!, way[i + 1]!];
      return { x: from.x + ((to.x - from.x) * left) / length, y: from.y + ((to.y - from.y) * left) / length };
    }
    left -= length;
  }
  return way.at(-1) ?? { x: 0, y: 0 };
}
