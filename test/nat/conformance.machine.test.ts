import { describe, expect, test } from 'vitest';
import { conformance, Names, packetOf } from './conformance.ts';
import { boxWith } from './lab.ts';
import { told, wrongChecksums } from './packets.ts';

describe('the machine keeps the table', () => {
  test.each(conformance.map((row) => [row.preset, row.claim, row] as const))('%s: %s', (preset, _, { changes, forwards, steps }) => {
    const lab = boxWith(preset, changes, { forwards: forwards ?? [] });
    const names = new Names();
    for (const step of steps) {
      switch (step[0]) {
        case 'wait':
          lab.wait(step[1]);
          break;
        case 'flush':
          lab.control({ kind: 'flush' });
          break;
        default: {
          const [from, text, expected] = step;
          const packet = packetOf(names.fill(text));
          const result = from === 'inside' ? lab.out(packet) : lab.in(packet);
          const passed = lab.passed();
          const seen = passed ? told(passed.packet) : 'dropped';
          expect(seen, `${text} (${result})`).toBe(names.meet(expected, seen));
          if (passed && !text.startsWith('udp:wrong')) expect(wrongChecksums(passed.packet)).toEqual([]);
        }
      }
    }
  });
});
