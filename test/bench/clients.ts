import { figure, inTurns, measured, medians, promise, seconds, times } from './benchmark.ts';
import type { Benchmark } from './benchmark.ts';
import type clients from './measurements/clients.ts';
import type handshakes from './measurements/handshakes.ts';
import { table } from './table.ts';

const sizes = [100, 200, 500, 1000];
/** An established C daemon does 800 a second on two cores: measured elsewhere, for scale. */
const cDaemonPerCoreSecond = 400;

export const manyClients: Benchmark = {
  name: 'clients',
  title: 'Clients behind one box, started at the same moment, until every tunnel stands; the endpoints, the box, every wire and the trace in one process',
  async run({ rounds, say }) {
    const taken = await inTurns(rounds, sizes.map((size) => () => measured<Awaited<ReturnType<typeof clients>>>('clients', size)));
    const figures = taken.map((of, i) => ({ clients: sizes[i]!, ...medians(of) }));
    for (const line of table(
      ['clients', 'processor', 'a client', 'wall', 'peak memory', 'virtual time', 'events'],
      figures.map((of) => [
        figure(of.clients), seconds(of.processorMs), seconds(of.processorMs / of.clients), seconds(of.wallMs), `${figure(of.peakMegabytes)} MB`, seconds(of.virtualMs), figure(of.events),
      ]),
    )) say(line);
    say('From the 512th on a client waits in virtual time: like Linux, the box has 511 ports outside for those that come from port 500.');

    const rates = (await inTurns(rounds, [() => measured<Awaited<ReturnType<typeof handshakes>>>('handshakes', 500, 4)]))[0]!;
    const { firstPerSecond, lastPerSecond, perProcessorSecond } = medians(rates);
    say(`P-256 handshakes, both sides of each: ${figure(firstPerSecond)} in the first second, ${figure(lastPerSecond)} once the program is warm; ${figure(perProcessorSecond)} a second of processor time.`);
    say(`An established C daemon does about ${cDaemonPerCoreSecond} a second and core.`);

    const [smallest, largest] = [figures[0]!, figures.at(-1)!];
    const growth = largest.processorMs / largest.clients / (smallest.processorMs / smallest.clients);
    return {
      figures: { clients: figures, handshakes: { firstPerSecond, lastPerSecond, perProcessorSecond } },
      promises: [
        promise('1,000 clients established', 'under 5 s on one core', `${seconds(largest.processorMs)} of processor time`, largest.processorMs < 5000),
        promise('1,000 clients in memory', 'under 500 MB', `${figure(largest.peakMegabytes)} MB`, largest.peakMegabytes < 500),
        promise('Growth from 100 to 1,000 clients', 'linear', `a client costs ${times(growth)} what it cost`, growth < 1.2),
        promise('P-256 handshakes, both sides', `more than ${cDaemonPerCoreSecond} a second and core`, figure(perProcessorSecond), perProcessorSecond > cDaemonPerCoreSecond),
      ],
    };
  },
};
