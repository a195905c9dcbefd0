import { figure, inTurns, measured, median, promise, seconds } from './benchmark.ts';
import type { Benchmark } from './benchmark.ts';
import type part from './measurements/zoo.ts';

/** As many processes as the promise has cores. */
const processes = 2;

export const zoo: Benchmark = {
  name: 'zoo',
  title: 'Every box of the zoo, the headline lessons, both versions of IKE, on the simulator',
  async run({ rounds, say }) {
    const together = async () => {
      const parts = await Promise.all(Array.from({ length: processes }, (_, i) => measured<Awaited<ReturnType<typeof part>>>('zoo', i, processes)));
      return { wallMs: Math.max(...parts.map(({ wallMs }) => wallMs)), processorMs: parts.reduce((sum, { processorMs }) => sum + processorMs, 0), runs: parts.reduce((sum, { runs }) => sum + runs, 0) };
    };
    const [taken = []] = await inTurns(rounds, [together]);
    const figures = { runs: taken[0]!.runs, wallMs: median(taken.map(({ wallMs }) => wallMs)), processorMs: median(taken.map(({ processorMs }) => processorMs)) };
    say(`${figure(figures.runs)} runs in ${processes} processes: ${seconds(figures.wallMs)}, ${seconds(figures.processorMs)} of processor time`);
    return { figures, promises: [promise('the zoo × headline lessons × IKEv1 and IKEv2, simulated', 'under 60 s on two cores', `${seconds(figures.wallMs)} for ${figure(figures.runs)} runs`, figures.wallMs < 60_000)] };
  },
};
