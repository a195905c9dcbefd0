/** Shards: together the whole, as large as each other, and the same whatever the order of the cells is. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inShard, shardOf } from '../../lab/matrix/shard.ts';
import { cell } from './cells.ts';

const cells = fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1 }), backend: fc.constantFrom('sim', 'netns') }), { selector: ({ id }) => id, maxLength: 60 }).map((all) => all.map((one) => cell(one as never)));
const counts = fc.integer({ min: 1, max: 12 });
const shards = <Some>(count: number, of: (index: number) => Some): Some[] => Array.from({ length: count }, (_, i) => of(i + 1));

const ids = (some: readonly { readonly id: string }[]): string[] => some.map(({ id }) => id).sort();

describe('the shards of a matrix', () => {
  test('are together the whole, and no cell is in two', () => {
    fc.assert(fc.property(cells, counts, (all, count) => {
      expect(ids(shards(count, (index) => inShard(all, { index, count })).flat())).toEqual(ids(all));
    }));
  });

  test('differ by one cell at most', () => {
    fc.assert(fc.property(cells, counts, (all, count) => {
      const sizes = shards(count, (index) => inShard(all, { index, count }).length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }));
  });

  test('do not depend on the order of the cells', () => {
    fc.assert(fc.property(cells, counts, (all, count) => {
      for (let index = 1; index <= count; index++) expect(ids(inShard([...all].reverse(), { index, count }))).toEqual(ids(inShard(all, { index, count })));
    }));
  });

  const many = Array.from({ length: 300 }, (_, i) => cell({ id: `cell ${i}`, backend: i % 10 === 0 ? 'netns' : 'sim' }));

  test('have each their part of a backend whose time is real', () => {
    const real = shards(5, (index) => inShard(many, { index, count: 5 }).filter(({ backend }) => backend === 'netns').length);
    expect(real).toEqual([6, 6, 6, 6, 6]);
  });

  test('hardly change with a cell more', () => {
    const shardsOf = (all: typeof many) => new Map(shards(5, (index) => inShard(all, { index, count: 5 }).map(({ id }) => [id, index] as const)).flat());
    const [before, after] = [shardsOf(many), shardsOf([...many, cell({ id: 'a new one' })])];
    expect(many.filter(({ id }) => before.get(id) !== after.get(id)).length).toBeLessThanOrEqual(8);
  });
});

test.each(['0/5', '6/5', '2', '2/', 'a/b', '-1/2', '1/0', ''])('--shard %s is no part of a whole', (text) => {
  expect(() => shardOf(text)).toThrow(/expected a part of a whole, such as 2\/5/);
});
