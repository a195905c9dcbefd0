import { figure, inTurns, measured, medians, promise, seconds } from './benchmark.ts';
import type { Benchmark } from './benchmark.ts';
import type cure from './measurements/keepalive.ts';
import { table } from './table.ts';

const idleHours = [1, 6, 24];

export const keepalive: Benchmark = {
  name: 'keepalive-24h',
  title: 'A day of keepalives: the act "cure" of the lesson; simulated alone, and with the topology planned before and the checks judged after',
  async run({ rounds, say }) {
    const taken = await inTurns(rounds, idleHours.map((hours) => () => measured<Awaited<ReturnType<typeof cure>>>('keepalive', hours * 60)));
    const figures = taken.map((of, i) => ({ hours: idleHours[i]!, ...medians(of) }));
    for (const line of table(
      ['idle for', 'simulated, processor', 'in all, processor', 'wall', 'events in the trace', 'peak memory'],
      figures.map(({ hours, simulatedMs, processorMs, wallMs, events, peakMegabytes }) => [`${hours} h`, seconds(simulatedMs), seconds(processorMs), seconds(wallMs), figure(events), `${figure(peakMegabytes)} MB`]),
    )) say(line);
    const day = figures.at(-1)!;
    return { figures, promises: [promise('24 h of the keepalive lesson, simulated', 'under 0.5 s of processor time', `${seconds(day.simulatedMs)} (${seconds(day.processorMs)} with plan and checks)`, day.simulatedMs < 500)] };
  },
};
