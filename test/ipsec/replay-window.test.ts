import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReplayWindow } from '../../src/ipsec/replay-window.ts';

const wrap = 2 ** 32;

/** A window of 64 that has accepted these. */
function after(accepted: readonly number[], extended = false, size = 64): ReplayWindow {
  const window = new ReplayWindow(size, extended);
  for (const sequence of accepted) window.accept(sequence);
  return window;
}

describe('RFC 4303 §3.4.3, a window of 64', () => {
  test.each([
    ['the first packet', [], 1, true],
    ['sequence 0, which no sender uses', [], 0, false],
    ['the same packet again', [1], 1, false],
    ['one that was overtaken', [1, 3], 2, true],
    ['one that was overtaken, a second time', [1, 3, 2], 2, false],
    ['the oldest of the window', [100], 37, true],
    ['one older than the window', [100], 36, false],
    ['the oldest of the window, a second time', [37, 100], 37, false],
    ['one far ahead, after a burst of losses', [1], 4_000_000_000, true],
    ['what the burst has left behind', [1, 4_000_000_000], 2, false],
    ['a number in the place of one that left the window', [5, 69], 69, false],
    ['a place that the burst jumped over', [5, 69 + 640], 68 + 640, true],
    ['the last number of all', [wrap - 2], wrap - 1, true],
  ])('%s', (_, accepted, sequence, fresh) => {
    expect(after(accepted).isFresh(sequence)).toBe(fresh);
  });

  test('a window of 0 lets everything pass', () => {
    expect(after([7], false, 0).isFresh(7)).toBe(true);
  });
});

// RFC 4303 appendix A2: W = 64; T is the highest number accepted, Th and Tl its halves, Seql what the packet says.
describe('RFC 4303 appendix A2.2, the high half of an extended sequence number', () => {
  test.each([
    // case A: Tl >= W - 1, the window lies within one half-space
    ['A: ahead in the same half-space', 5 * wrap + 1000, 1001, 5 * wrap + 1001],
    ['A: within the window', 5 * wrap + 1000, 937, 5 * wrap + 937],
    ['A: below the window means the next half-space', 5 * wrap + 1000, 936, 6 * wrap + 936],
    ['A: the window just fits (Tl = W - 1), its bottom', 5 * wrap + 63, 0, 5 * wrap],
    ['A: the last number before the wrap', 5 * wrap + (wrap - 1), wrap - 1, 5 * wrap + wrap - 1],
    ['A: the first after the wrap', 5 * wrap + (wrap - 1), 0, 6 * wrap],
    // case B: Tl < W - 1, the window spans two half-spaces
    ['B: the upper part, ahead', 5 * wrap + 10, 11, 5 * wrap + 11],
    ['B: the upper part, behind', 5 * wrap + 10, 3, 5 * wrap + 3],
    ['B: the lower part lies in the half-space before', 5 * wrap + 10, wrap - 1, 4 * wrap + wrap - 1],
    ['B: the bottom', 5 * wrap + 10, wrap - 53, 4 * wrap + wrap - 53],
    ['B: below the bottom means far ahead', 5 * wrap + 10, wrap - 54, 5 * wrap + wrap - 54],
    ['nothing lies before the first half-space', 10, wrap - 1, -1],
  ])('%s', (_, highest, low, whole) => {
    expect(after([highest], true).sequenceOf(low)).toBe(whole);
  });

  test('what would lie before the first packet of all is not fresh', () => {
    const window = after([10], true);
    expect(window.isFresh(window.sequenceOf(wrap - 1))).toBe(false);
  });

  test('a burst of nearly 2³² losses is survived', () => {
    const window = after([wrap + 100], true);
    const next = 2 * wrap + 30; // 2³² - 70 lost
    expect(window.sequenceOf(next % wrap)).toBe(next);
    expect(window.isFresh(next)).toBe(true);
  });
});

test('accepts exactly what a set of all numbers ever seen would, in any order', () => {
  const near = fc.integer({ min: -80, max: 200 });
  const far = fc.constantFrom(64, 65, 1000, wrap - 200, wrap);
  fc.assert(
    fc.property(fc.constantFrom(8, 32, 64, 128), fc.boolean(), fc.constantFrom(1, wrap - 100, 3 * wrap - 5), fc.array(fc.oneof({ weight: 9, arbitrary: near }, far), { maxLength: 200 }), (size, extended, begin, steps) => {
      fc.pre(extended || begin === 1);
      const window = new ReplayWindow(size, extended);
      const seen = new Set<number>([begin]);
      window.accept(begin);
      for (const step of steps) {
        const highest = Math.max(...seen);
        const sequence = highest + step;
        if (sequence < 1 || (!extended && sequence >= wrap)) continue;
        const fresh = sequence > highest - size && !seen.has(sequence);
        expect(window.isFresh(sequence)).toBe(fresh);
        if (extended && sequence > highest - size && sequence <= highest - size + wrap) expect(window.sequenceOf(sequence % wrap)).toBe(sequence);
        if (!fresh) continue;
        seen.add(sequence);
        window.accept(sequence);
      }
      expect(window.highest).toBe(Math.max(...seen));
    }),
  );
});
