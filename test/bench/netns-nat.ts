import { whyNotIsolated } from '../../lab/backends/linux/isolation.ts';
import { missing } from '../support/needs.ts';
import { figure, inTurns, measured, medians, promise } from './benchmark.ts';
import type { Benchmark } from './benchmark.ts';
import type netnsNatFigures from './measurements/netns-nat.ts';
import type { Engine } from './measurements/netns-nat.ts';
import { table } from './table.ts';

const mappings = 50_000;
const engines: readonly (readonly [Engine, string])[] = [
  ['routed', 'routed, nothing translated'],
  ['kernel', "the kernel's own NAT"],
  ['machine', 'the NatBox machine'],
];

export const netnsNat: Benchmark = {
  name: 'netns-nat',
  title: `A router in a namespace: packets of 128 octets in both directions over ${figure(mappings)} mappings, router, kernel and load on one core`,
  async run({ rounds, say }) {
    const promised = ['The NAT box in a namespace, 50,000 mappings', '40,000 packets a second on one core'] as const;
    const [lacking] = missing('linux', 'koffi', 'nft', 'tun');
    const obstacle = lacking === undefined ? whyNotIsolated() : `needs ${lacking}`;
    if (obstacle !== undefined) {
      say(`Skipped: ${obstacle}`);
      return { figures: { skipped: obstacle }, promises: [promise(...promised, obstacle, undefined)] };
    }
    const taken = await inTurns(rounds, engines.map(([engine]) => () => measured<NonNullable<Awaited<ReturnType<typeof netnsNatFigures>>>>('netns-nat', engine, mappings)));
    const figures = taken.map(medians);
    const [, kernel, machine] = figures as [(typeof figures)[0], (typeof figures)[0], (typeof figures)[0]];
    for (const line of table(
      ['', 'packets a second of processor time', 'of wall time', "beside the kernel's NAT", 'lost'],
      figures.map((of, i) => [engines[i]![1], figure(of.packetsPerSecond), figure(of.packetsPerWallSecond), figure(of.packetsPerSecond / kernel.packetsPerSecond), figure(of.lost)]),
    )) say(line);
    const measurement = `${figure(machine.packetsPerSecond)}, ${figure(machine.packetsPerSecond / kernel.packetsPerSecond)} of what the kernel's own NAT passes`;
    return { figures: Object.fromEntries(engines.map(([engine], i) => [engine, figures[i]])), promises: [promise(...promised, measurement, machine.packetsPerSecond >= 40_000)] };
  },
};
