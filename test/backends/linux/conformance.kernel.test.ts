import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ip, prefix } from '../../../src/core/address.ts';
import { kernelNat } from '../../../lab/backends/linux/nftables.ts';
import type { KernelNat } from '../../../lab/backends/linux/nftables.ts';
import { presets } from '../../../src/nat/presets.ts';
import { conformance, Names, packetOf } from '../../nat/conformance.ts';
import type { ConformanceCase } from '../../nat/conformance.ts';
import { behaviourOf, outside } from '../../nat/lab.ts';
import { told, wrongChecksums } from '../../nat/packets.ts';
import { kernelBoxMissing, openKernelBox } from './kernel-box.ts';

const missing = kernelBoxMissing();
const rulesFor = ({ preset, changes, forwards = [] }: ConformanceCase): KernelNat =>
  kernelNat({ name: 'box', behaviour: behaviourOf(preset, changes), outsideAddresses: [ip(outside)], insidePrefixes: [prefix('10.0.0.0/8')], forwards }, interfaces);
const interfaces = { inside: ['inside'], outside: 'outside', outsideAddress: ip(outside) };

/** Seconds to wait for a packet that should come, and for one that should not. */
const patience = { passes: 3, dropped: 0.05 };

describe.skipIf(missing)(`the kernel keeps the table${missing === undefined ? '' : ` (${missing})`}`, () => {
  test.concurrent.each(conformance.filter(({ beyondTheKernel }) => !beyondTheKernel).map((row) => [row.preset, row.claim, row] as const))(
    '%s: %s',
    async (_, __, row) => {
      const rules = rulesFor(row);
      if (!rules.supported) throw new Error(rules.unsupported.map(({ knob, reason }) => `${knob}: ${reason}`).join('\n'));
      await using box = await openKernelBox();
      await box.load(rules);
      const names = new Names();
      for (const step of row.steps) {
        switch (step[0]) {
          case 'wait':
            await sleep(step[1] * 1000);
            break;
          case 'flush':
            await box.flush();
            break;
          default: {
            const [from, text, expected] = step;
            const passed = await box.send(from, packetOf(names.fill(text)), expected === 'dropped' ? patience.dropped : patience.passes);
            const seen = passed ? told(passed.packet) : 'dropped';
            expect(seen, text).toBe(names.meet(expected, seen));
            if (passed && !text.startsWith('udp:wrong')) expect(wrongChecksums(passed.packet)).toEqual([]);
          }
        }
      }
    },
    30_000,
  );
});

test('the rows that the kernel does not keep are those that it refuses, and it keeps some of every preset that is its own', () => {
  expect(conformance.filter((row) => !rulesFor(row).supported)).toEqual(conformance.filter(({ beyondTheKernel }) => beyondTheKernel));
  const its = presets.map(({ name }) => name).filter((preset) => rulesFor({ claim: '', preset, steps: [] }).supported);
  expect(its.filter((preset) => !conformance.some((row) => row.preset === preset && !row.beyondTheKernel))).toEqual([]);
});
