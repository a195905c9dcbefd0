import { expect, test } from 'vitest';
import { Queue } from '../../src/core/queue.ts';

test('what goes in first comes out first, however pushes and shifts alternate', () => {
  const queue = new Queue<number>();
  const model: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const pushes = i % 7 < 4 || i < 5_000 ? 2 : 0; // grows past every threshold, and falls empty at the end
    for (let k = 0; k < pushes; k++) {
      queue.push(2 * i + k);
      model.push(2 * i + k);
    }
    expect(queue.shift()).toBe(model.shift());
    expect(queue.length).toBe(model.length);
  }
  while (model.length > 0) expect(queue.shift()).toBe(model.shift());
  expect(queue.shift()).toBeUndefined();
  queue.push(1);
  expect([queue.length, queue.shift(), queue.shift()]).toEqual([1, 1, undefined]);
});
