import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Merge } from '../../../lab/backends/docker/merge.ts';
import type { Told } from '../../../lab/backends/docker/merge.ts';
import type { Instant } from '../../../src/core/time.ts';
import { at } from '../../support/worlds.ts';

const told = (when: number, story: string): Told => ({ at: at(when), happening: { layer: 'scenario', body: { kind: 'step', story } } });
const storyOf = ({ happening }: Told): string => (happening.body as { story: string }).story;

function merged(...nodes: readonly string[]): { readonly merge: Merge; readonly recorded: string[] } {
  const recorded: string[] = [];
  return { merge: new Merge(nodes, (node, one) => recorded.push(`${node}: ${storyOf(one)}`)), recorded };
}

test('an event is recorded when every node has told of all until then, and not before', () => {
  const { merge, recorded } = merged('alice', 'box');
  merge.add('alice', [told(10, 'sent')], at(12));
  expect(recorded).toEqual([]);
  expect(merge.holdingUp()).toEqual(['box']);
  merge.add('box', [told(11, 'received')], at(20));
  expect(recorded).toEqual(['alice: sent', 'box: received']);
  expect(merge.holdingUp()).toEqual([]);
});

test('nobody is asked while nobody waits', () => {
  const { merge } = merged('alice', 'box');
  merge.add('alice', [], at(5));
  expect(merge.holdingUp()).toEqual([]);
});

test('who has told of a later time holds nobody up', () => {
  const { merge, recorded } = merged('alice', 'box', 'gateway');
  merge.add('box', [], at(50));
  merge.add('alice', [told(10, 'sent')], at(12));
  expect(merge.holdingUp()).toEqual(['gateway']);
  merge.add('gateway', [], at(11));
  expect(recorded).toEqual(['alice: sent']);
});

test('a node keeps its order, and what it says of a packet comes before the packet reaches others', () => {
  const { merge, recorded } = merged('alice', 'box');
  // The daemon says that it sends; the wire's own clock shows an earlier time for the packet, which was read after.
  merge.add('alice', [told(12, 'says it sends'), told(10, 'packet leaves')], at(13));
  merge.add('box', [told(11, 'packet arrives')], at(13));
  expect(recorded).toEqual(['alice: says it sends', 'alice: packet leaves', 'box: packet arrives']);
});

test('what comes too late is recorded all the same', () => {
  const { merge, recorded } = merged('alice', 'box');
  merge.add('alice', [told(10, 'first')], at(20));
  merge.add('box', [], at(20));
  merge.add('box', [told(5, 'late')], at(21));
  expect(recorded).toEqual(['alice: first', 'box: late']);
});

test('however the telling is cut up, all is recorded once, each node in its own order, and nodes by time where their own order is one of time', () => {
  const node = fc.array(fc.tuple(fc.nat(5), fc.nat(3)), { maxLength: 20 });
  fc.assert(fc.property(fc.array(node, { minLength: 1, maxLength: 4 }), (nodes) => {
    const times: number[] = [];
    const seen = new Map<string, string[]>();
    const names = nodes.map((_, i) => `node${i}`);
    const merge = new Merge(names, (name, one) => {
      times.push(one.at);
      seen.set(name, [...(seen.get(name) ?? []), storyOf(one)]);
    });
    const queues = nodes.map((steps) => {
      let now = 0;
      return steps.map(([pause, batch], i) => ({ told: told((now += pause), String(i)), cut: batch === 0 }));
    });
    // Each node tells in batches; the batches of all are told in turn.
    for (let more = true; more;) {
      more = false;
      for (const [i, queue] of queues.entries()) {
        const end = queue.findIndex(({ cut }) => cut) + 1 || queue.length;
        const batch = queue.splice(0, end).map((one) => one.told);
        if (batch.length === 0) continue;
        more = true;
        merge.add(names[i]!, batch, batch.at(-1)!.at);
      }
    }
    for (const name of names) merge.add(name, [], 1e9 as Instant);
    expect([...seen.values()].map((stories) => stories.length).reduce((a, b) => a + b, 0)).toBe(nodes.flat().length);
    for (const stories of seen.values()) expect(stories).toEqual(stories.map((_, i) => String(i)));
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }));
});
