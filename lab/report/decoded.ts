/** A captured packet as a tree of lines, for people. */
import type { Frame } from '../../src/wire/pcap/frame.ts';
import type { Tree } from '../../src/wire/tree.ts';
import { placeName } from '../capture/walk.ts';
import type { Theme } from './theme.ts';
import { wrap } from './text.ts';

export interface DecodedOptions {
  readonly theme: Theme;
  readonly width: number;
  /** Every field of every header, those of IP and UDP as well. */
  readonly full: boolean;
  /** A line a packet. */
  readonly brief: boolean;
}

/** `#12  0.033 s  gateway eth0 in  203.0.113.2:4500 > …`, and below it what its octets say. */
export function decodedLines(frame: Frame, since: bigint, tree: Tree, { theme, width, full, brief }: DecodedOptions): string[] {
  const place = frame.place.name === undefined && frame.place.interface === 0 && frame.direction === undefined ? '' : `${placeName(frame.place)}${frame.direction === undefined ? '' : ` ${frame.direction}`}  `;
  const head = `#${frame.number}  ${secondsBetween(since, frame.at)} s  ${theme.node(place)}${theme.strong(tree.value)}`;
  const lines = [wrap(head, width, '  '), ...frame.comments.map((comment) => `  ${theme.doubt(wrap(`“${comment}”`, width, '  '))}`)];
  if (!brief) for (const layer of tree.children) lines.push(...treeLines(layer, 1, tree.reference, { theme, width, full }));
  return lines;
}

const outerHeaders: ReadonlySet<string> = new Set(['IPv4 header', 'IPv6 header', 'UDP', 'Extension header']);

function treeLines(tree: Tree, depth: number, above: string | undefined, options: Pick<DecodedOptions, 'theme' | 'width' | 'full'>): string[] {
  const { theme, width, full } = options;
  const indent = '  '.repeat(Math.min(depth, width < 60 ? 4 : 12));
  const reference = tree.reference === undefined || tree.reference === above ? '' : theme.faint(`  [${tree.reference}]`);
  const line = `${indent}${wrap(`${tree.label}: ${tree.value}${reference}`, width, `${indent}    `)}`;
  const isFolded = !full && outerHeaders.has(tree.label) && depth === 1;
  return [line, ...(isFolded ? [] : tree.children.flatMap((child) => treeLines(child, depth + 1, tree.reference ?? above, options)))];
}

/** Seconds with as many decimals as a capture has. */
export function secondsBetween(from: bigint, to: bigint): string {
  const nanoseconds = to - from;
  const sign = nanoseconds < 0n ? '-' : '';
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  return `${sign}${size / 1_000_000_000n}.${(size % 1_000_000_000n).toString().padStart(9, '0').replace(/0{1,6}$/, '')}`;
}
