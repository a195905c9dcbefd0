import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { conformance, Names, packetOf } from '../../nat/conformance.ts';
import { behaviourOf } from '../../nat/lab.ts';
import { told, wrongChecksums } from '../../nat/packets.ts';
import { needs } from '../../support/needs.ts';
import { openTunBox, planOf, rate } from './tun-box.ts';

/** Milliseconds to wait for a packet that should come, and for one that should not. */
const patience = { passes: 3000, dropped: 50 };

const { test } = needs('network namespaces', 'koffi', 'tun');

describe("the machine in a router's namespace keeps the table", () => {
  for (const { preset, claim, changes, forwards = [], steps } of conformance) {
    test(`${preset}: ${claim}`, async () => {
      await using box = openTunBox(planOf({ behaviour: behaviourOf(preset, changes), forwards }));
      const names = new Names();
      for (const step of steps) {
        switch (step[0]) {
          case 'wait':
            await sleep((step[1] * 1000) / rate);
            break;
          case 'flush':
            box.control({ kind: 'flush' });
            break;
          default: {
            const [from, text, expected] = step;
            box.write(from, packetOf(names.fill(text)));
            const passed = await box.next(expected === 'dropped' ? patience.dropped : patience.passes);
            const seen = passed ? told(passed.packet) : 'dropped';
            expect(seen, text).toBe(names.meet(expected, seen));
            if (passed && !text.startsWith('udp:wrong')) expect(wrongChecksums(passed.packet)).toEqual([]);
          }
        }
      }
    });
  }
});
