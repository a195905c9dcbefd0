import { figure, inTurns, measured, medians, promise, times } from './benchmark.ts';
import type { Benchmark } from './benchmark.ts';
import type natBoxFigures from './measurements/nat-box.ts';
import { table } from './table.ts';

const sizes = [1000, 10_000, 50_000];

export const natBox: Benchmark = {
  name: 'nat-box',
  title: 'The NAT box machine: packets of 40 octets in both directions over all mappings; one in 200 opens one that expires later',
  async run({ rounds, say }) {
    const taken = await inTurns(rounds, sizes.map((size) => () => measured<ReturnType<typeof natBoxFigures>>('nat-box', size)));
    const figures = taken.map(medians);
    for (const line of table(
      ['mappings', 'packets a second of processor time', 'of wall time', 'expired meanwhile', 'to open a mapping and have it expire'],
      figures.map((of, i) => [figure(sizes[i]!), figure(of.packetsPerSecond), figure(of.packetsPerWallSecond), figure(of.expired), `${figure(of.lifeNs)} ns`]),
    )) say(line);
    const [smallest, largest] = [figures[0]!, figures.at(-1)!];
    return {
      figures,
      promises: [
        promise('The NAT box with 50,000 mappings', '500,000 packets a second on one core', figure(largest.packetsPerSecond), largest.packetsPerSecond >= 500_000),
        promise('A mapping\'s life, 50,000 beside it against 1,000', 'no growth with the table', `${times(largest.lifeNs / smallest.lifeNs)} as much`, largest.lifeNs < 2 * smallest.lifeNs),
      ],
    };
  },
};
