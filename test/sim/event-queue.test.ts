import { expect, test } from 'vitest';
import type { Instant } from '../../src/core/time.ts';
import { EventQueue } from '../../src/sim/event-queue.ts';

const at = (n: number): Instant => n as Instant;

function takeAll(queue: EventQueue<string>, limit: number): string[] {
  const taken: string[] = [];
  for (let thing = queue.take(at(limit)); thing !== undefined; thing = queue.take(at(limit))) taken.push(`${thing}@${queue.now}`);
  return taken;
}

test('things come when they are due, and time jumps from one to the next', () => {
  const queue = new EventQueue<string>();
  queue.put('later', at(20));
  queue.put('sooner', at(5));
  queue.put('much later', at(1000));
  expect(takeAll(queue, 100)).toEqual(['sooner@5', 'later@20']);
  expect(queue.now).toBe(100);
  expect(queue.next).toBe(1000);
});

test('things due at the same instant come in the order in which they were put in', () => {
  const queue = new EventQueue<string>();
  const names = Array.from({ length: 100 }, (_, i) => `thing ${i}`);
  for (const name of names) queue.put(name, at(7));
  expect(takeAll(queue, 7)).toEqual(names.map((name) => `${name}@7`));
});

test('a thing put in again is moved; put in again for the same instant, it keeps its place', () => {
  const queue = new EventQueue<string>();
  queue.put('a', at(1));
  queue.put('b', at(1));
  queue.put('c', at(1));
  queue.put('a', at(1));
  queue.put('b', at(2));
  expect(takeAll(queue, 9)).toEqual(['a@1', 'c@1', 'b@2']);
});

test('what is due in the past is due at once: time does not go back', () => {
  const queue = new EventQueue<string>(at(50));
  queue.put('overdue', at(10));
  expect(takeAll(queue, 50)).toEqual(['overdue@50']);
});

test('what was removed does not come', () => {
  const queue = new EventQueue<string>();
  queue.put('a', at(1));
  queue.remove('a');
  expect(takeAll(queue, 9)).toEqual([]);
});
