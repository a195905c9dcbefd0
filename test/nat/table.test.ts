import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ip } from '../../src/core/address.ts';
import { seeded } from '../../src/core/random.ts';
import { milliseconds, seconds, type Duration, type Instant } from '../../src/core/time.ts';
import { PortAllocator, rangeFor } from '../../src/nat/allocation.ts';
import type { PortAssignment } from '../../src/nat/behaviour.ts';
import { Expiry } from '../../src/nat/expiry.ts';
import { PairMap } from '../../src/nat/pair-map.ts';
import { numericAddress, seen } from '../../src/nat/table.ts';
import { endpoint } from './packets.ts';

describe('what a mapping or a filter sees of the remote (RFC 4787 §4.1, §5): who is the same as 198.51.100.1:500 to it', () => {
  const same = {
    'endpoint-independent': { '198.51.100.1:4500': true, '198.51.100.2:500': true, '10.0.0.1:1': true },
    'address-dependent': { '198.51.100.1:4500': true, '198.51.100.2:500': false, '10.0.0.1:1': false },
    'address-and-port-dependent': { '198.51.100.1:4500': false, '198.51.100.2:500': false, '10.0.0.1:1': false },
  } as const;
  const numeric = (text: string) => ({ address: numericAddress(endpoint(text).address), port: endpoint(text).port });
  for (const [dependence, others] of Object.entries(same)) {
    test.each(Object.entries(others))(`${dependence}: %s`, (other, isSame) => {
      const sees = seen[dependence as keyof typeof same];
      expect(sees(numeric('198.51.100.1:500'))).toBe(sees(numeric('198.51.100.1:500')));
      expect(sees(numeric(other)) === sees(numeric('198.51.100.1:500'))).toBe(isSame);
    });
  }
  test('the highest address and port are still exact, and no key is negative', () => {
    const highest = { address: numericAddress(ip('255.255.255.255')), port: 65535 };
    expect(seen['address-and-port-dependent'](highest)).toBe(2 ** 48 - 1);
    expect(seen['address-dependent'](highest)).toBe(2 ** 32 - 1);
  });
});

describe('which port', () => {
  const assignment = (changes: Partial<PortAssignment>): PortAssignment => ({ assignment: 'preserve', range: [1024, 65535], keepLowApart: true, overloading: false, parity: 'any', contiguous: false, blocks: false, onConflict: 'another-port', ...changes });
  const choose = (ports: PortAssignment, insidePort: number, taken: readonly number[]) => {
    const allocator = new PortAllocator(ports, seeded(1));
    const wish = { insidePort, range: rangeFor(ports, insidePort), isFree: (port: number) => !taken.includes(port) };
    return allocator.prefer(wish) ?? allocator.choose(wish);
  };

  test('preserve keeps a free port, even one outside the range', () => expect(choose(assignment({ range: [2000, 2001] }), 4500, [])).toBe(4500));
  test('a taken one becomes another of the range', () => expect(choose(assignment({ range: [2000, 2001] }), 4500, [4500, 2000])).toBe(2001));
  test('a full range gives nothing', () => expect(choose(assignment({ range: [2000, 2001] }), 4500, [4500, 2000, 2001])).toBeUndefined());
  test('every port of a range is found, whatever its size', () => {
    for (const size of [1, 2, 3, 4, 60, 511, 512]) {
      const taken: number[] = [];
      for (let n = 0; n < size; n++) taken.push(choose(assignment({ assignment: 'random', range: [2000, 1999 + size], keepLowApart: false }), 9999, taken)!);
      expect(new Set(taken).size).toBe(size);
    }
  });
  test('one free port in a crowd of neighbours is found in few steps', () => {
    let asked = 0;
    new PortAllocator(assignment({ assignment: 'random' }), seeded(1)).choose({ insidePort: 9999, range: [1024, 65535], isFree: (port) => ++asked > 0 && port > 51_024 });
    expect(asked).toBeLessThan(20);
  });
  test('sequential goes on behind the last one, and round', () => {
    const allocator = new PortAllocator(assignment({ assignment: 'sequential' }), seeded(1));
    const taken = new Set([2001]);
    const next = () => allocator.choose({ insidePort: 9, range: [2000, 2003], isFree: (port) => !taken.has(port) });
    expect([next(), next(), next(), next()]).toEqual([2000, 2002, 2003, 2000]);
    allocator.forget();
    expect(next()).toBe(2000);
  });
  test('low ports stay low', () => {
    expect(rangeFor(assignment({}), 500)).toEqual([1, 511]);
    expect(rangeFor(assignment({}), 511)).toEqual([1, 511]);
    expect(rangeFor(assignment({}), 512)).toEqual([600, 1023]);
    expect(rangeFor(assignment({}), 1023)).toEqual([600, 1023]);
    expect(rangeFor(assignment({}), 1024)).toEqual([1024, 65535]);
    expect(rangeFor(assignment({ keepLowApart: false }), 500)).toEqual([1024, 65535]);
  });
});

test('a map of pairs is a map, whatever is put in, taken out and asked for', () => {
  // few keys that collide often, and keys that differ in high bits alone
  const part = fc.oneof(fc.nat(3), fc.nat(3).map((n) => n * 2 ** 48), fc.nat(3).map((n) => n * 2 ** 32));
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part, fc.boolean()), { maxLength: 150, size: 'max' }), (steps) => {
      const pairs = new PairMap<{ n: number }>(4);
      const plain = new Map<string, { n: number }>();
      for (const [n, [first, second, put]] of steps.entries()) {
        const value = { n };
        if (put) pairs.set(first, second, value);
        else pairs.delete(first, second);
        if (put) plain.set(`${first} ${second}`, value);
        else plain.delete(`${first} ${second}`);
        expect(pairs.size).toBe(plain.size);
        expect(steps.every(([a, b]) => pairs.get(a, b) === plain.get(`${a} ${b}`))).toBe(true);
      }
    }),
    { numRuns: 30 },
  );
});

test('the next to die is the one that an unsorted list finds, whoever is added, refreshed and removed', () => {
  const lifetime = fc.constantFrom<Duration>(seconds(1), seconds(3), milliseconds(Infinity));
  const step = fc.record({ do: fc.constantFrom('add', 'refresh', 'remove'), which: fc.nat(1000), lifetime, wait: fc.constantFrom(0, 0, 1, 500, 1000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const expiry = new Expiry<object>();
      const list: { ticket: number; at: number; item: object }[] = [];
      let now = 0 as Instant;
      for (const { do: what, which, lifetime: life, wait } of steps) {
        now = (now + wait) as Instant;
        const entry = list[which % Math.max(1, list.length)];
        if (what === 'add' || entry === undefined) {
          const item = {};
          list.push({ ticket: expiry.add(item, now, life), at: now + life, item });
        } else if (what === 'refresh') {
          expiry.refresh(entry.ticket, now, life);
          entry.at = now + life;
        } else {
          expiry.remove(entry.ticket);
          list.splice(list.indexOf(entry), 1);
        }
        const earliest = Math.min(...list.map(({ at }) => at));
        expect(expiry.nextAt()).toBe(earliest === Infinity ? undefined : earliest);
        const due = expiry.due(now);
        if (earliest > now) expect(due).toBeUndefined();
        else expect(list.filter(({ at }) => at === earliest).map(({ item }) => item)).toContain(due);
      }
    }),
    { numRuns: 100 },
  );
});
