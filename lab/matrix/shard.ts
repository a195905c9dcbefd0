/** A part of the matrix for each of several machines. Which cell is whose depends on the cells' names alone, not on their order. */
import { createHash } from 'node:crypto';
import { Problem } from '../problem.ts';
import type { Cell } from './cell.ts';

export interface Shard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
}

/** `2/5`: the second of five. */
export function shardOf(text: string): Shard {
  const [, index, count] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (index === undefined || count === undefined || index < 1 || index > count) throw new Problem(`--shard ${text}: expected a part of a whole, such as 2/5, the second of five`);
  return { index, count };
}

/**
 * The shards of a matrix are as large as each other, by one cell at most, and each has its part of every backend, for a real one takes its time. They
 * are cut from the order of the hashes: a cell more or less moves few others.
 */
export function inShard<Some extends Pick<Cell, 'id' | 'backend'>>(cells: readonly Some[], { index, count }: Shard): readonly Some[] {
  const backends = [...new Set(cells.map(({ backend }) => backend))];
  const placed = backends.flatMap((backend) => {
    const ordered = cells.filter((cell) => cell.backend === backend).map((cell) => ({ cell, hash: hash(cell.id) })).sort(by(({ hash: one }) => one));
    return ordered.map(({ cell, hash: one }, i) => ({ cell, hash: one, place: (i + 0.5) / ordered.length }));
  });
  const ordered = placed.sort(by(({ hash: one }) => one)).sort(by(({ place }) => place));
  const border = (n: number): number => Math.round((n * ordered.length) / count);
  const mine = new Set(ordered.slice(border(index - 1), border(index)).map(({ cell }) => cell));
  return cells.filter((cell) => mine.has(cell));
}

const by = <Item>(key: (item: Item) => string | number) => (a: Item, b: Item): number => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
const hash = (id: string): string => createHash('sha256').update(id).digest('hex');
