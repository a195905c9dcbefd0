import { figure, inTurns, measured, medians } from './benchmark.ts';
import type { Benchmark } from './benchmark.ts';
import type espFigures from './measurements/esp.ts';
import { table } from './table.ts';

const suites = ['AES-GCM-128', 'AES-GCM-256', 'ChaCha20-Poly1305', 'AES-CBC-256 with HMAC-SHA2-256'];
const lengths = [64, 1400];

export const esp: Benchmark = {
  name: 'esp',
  title: 'ESP in UDP through two stacks: an inner packet looked up, sealed, found again, opened and delivered, in processor time',
  async run({ rounds, say }) {
    const pairs = suites.flatMap((suite) => lengths.map((octets) => ({ suite, octets })));
    const taken = await inTurns(rounds, pairs.map(({ suite, octets }) => () => measured<ReturnType<typeof espFigures>>('esp', suite, octets)));
    const figures = pairs.map((one, i) => ({ ...one, ...medians(taken[i]!) }));
    for (const line of table(
      ['', ...lengths.flatMap((octets) => [`${octets} octets`, 'Mbit/s'])],
      suites.map((suite) => [
        suite,
        ...figures.filter((one) => one.suite === suite).flatMap(({ packetsPerSecond, octets }) => [`${figure(packetsPerSecond)}/s`, figure((packetsPerSecond * octets * 8) / 1e6)]),
      ]),
    )) say(line);
    return { figures, promises: [] };
  },
};
