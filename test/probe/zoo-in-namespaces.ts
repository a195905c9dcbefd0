/**
 * Probes boxes in network namespaces, so many at once, and prints a JSON line for each: `node zoo-in-namespaces.ts AT-ONCE PRESET/ENGINE/LONGEST …`, the longest
 * silence in seconds of the lab's. A program of its own, because each of the labs keeps a thread waiting, and Node.js has four unless it is told otherwise when it starts.
 */
import { netns } from '../../lab/backends/netns/backend.ts';
import type { NatEngine } from '../../lab/backends/backend.ts';
import { isIsolated, runIsolated } from '../../lab/backends/linux/isolation.ts';
import { homeWith, placeProbe } from '../../lab/probe/place.ts';
import { runProbe } from '../../lab/probe/run.ts';
import { seconds } from '../../src/core/time.ts';

async function probe(job: string): Promise<void> {
  const [preset, natEngine, longest] = job.split('/') as [string, NatEngine, string];
  const outcome = await runProbe(placeProbe(homeWith(preset)), { backend: netns, natEngine, seed: 1, longest: seconds(Number(longest)) });
  process.stdout.write(`${JSON.stringify({ job, outcome })}\n`);
}

async function work(jobs: Iterator<string>): Promise<void> {
  for (let next = jobs.next(); next.done !== true; next = jobs.next()) await probe(next.value);
}

if (isIsolated()) {
  const [atOnce, ...jobs] = process.argv.slice(2);
  const queue = jobs.values();
  await Promise.all(Array.from({ length: Number(atOnce) }, () => work(queue)));
} else {
  process.exitCode = await runIsolated(new URL(import.meta.url), process.argv.slice(2));
}
