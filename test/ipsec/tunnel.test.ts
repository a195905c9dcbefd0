/** Two stacks back to back. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StackOutput } from '../../src/ipsec/ports.ts';
import { carried, drops, inbound, inner, innerOf, of, pair, suites } from './host.ts';

describe.each(suites)('$name', (suite) => {
  test.each([
    ['plain', { inUdp: false }],
    ['in UDP', { inUdp: true }],
    ['plain, extended sequence numbers', { inUdp: false, extended: true }],
    ['in UDP, extended sequence numbers', { inUdp: true, extended: true }],
  ])('carries inner packets of both versions both ways, %s', (_, options) => {
    const { west, east } = pair({ suite, ...options });
    for (const packet of [inner('10.1.0.5', '10.2.0.6'), inner('fd01::5', 'fd02::6')]) {
      const outputs = west.outbound(packet);
      expect(of(outputs, options.inUdp ? 'datagram' : 'esp')).toHaveLength(1);
      expect(carried(outputs).flatMap((input) => inbound(east.do(input)))).toEqual([packet]);
    }
    const back = inner('10.2.0.6', '10.1.0.5');
    expect(carried(east.outbound(back)).flatMap((input) => inbound(west.do(input)))).toEqual([back]);
  });
});

test('delivers each packet exactly once, whatever the path repeats and reorders within the window', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.array(fc.nat({ max: 39 }), { minLength: 1, maxLength: 200 }), (inUdp, extended, arrivals) => {
      const { west, east } = pair({ inUdp, extended });
      const packets = Array.from({ length: 40 }, (_, i) => inner('10.1.0.5', '10.2.0.6', `packet ${i}`));
      const onTheWay = packets.map((packet) => carried(west.outbound(packet))[0]!);
      const outputs = arrivals.map((i): [number, StackOutput[]] => [i, east.do(onTheWay[i]!)]);
      const seen = new Set<number>();
      for (const [i, got] of outputs) {
        expect(inbound(got)).toEqual(seen.has(i) ? [] : [packets[i]]);
        expect(drops(got)).toEqual(seen.has(i) ? ['esp-replay'] : []);
        seen.add(i);
      }
    }),
    { numRuns: 40 },
  );
});

test('a packet of any size survives', () => {
  const { west, east } = pair();
  for (let size = 0; size < 70; size++) {
    const packet = innerOf('10.1.0.5', '10.2.0.6', 253, new Uint8Array(size).fill(size));
    expect(carried(west.outbound(packet)).flatMap((input) => inbound(east.do(input)))).toEqual([packet]);
  }
});
