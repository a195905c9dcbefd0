/**
 * Probes boxes in network namespaces, all at once, and prints a JSON line for each: `node zoo-in-namespaces.ts PRESET ENGINE …`. A program of its own, because
 * each of the labs keeps a thread waiting, and Node.js has four unless it is told otherwise when it starts, as the lab's isolation does.
 */
import { netns } from '../../lab/backends/netns/backend.ts';
import type { NatEngine } from '../../lab/backends/backend.ts';
import { isIsolated, runIsolated } from '../../lab/backends/netns/isolation.ts';
import { homeWith, placeProbe } from '../../lab/probe/place.ts';
import { runProbe } from '../../lab/probe/run.ts';
import { seconds } from '../../src/core/time.ts';

/** Real time, if ten times faster: what lives longer is seen to live so long. */
const longest = seconds(45);

/** As many labs at a time as do not keep each other from their clocks. */
const atOnce = 20;

async function probe(preset: string, natEngine: NatEngine): Promise<void> {
  const outcome = await runProbe(placeProbe(homeWith(preset)), { backend: netns, natEngine, seed: 1, longest });
  process.stdout.write(`${JSON.stringify({ preset, natEngine, outcome })}\n`);
}

if (isIsolated()) {
  const words = process.argv.slice(2);
  const jobs = words.flatMap((preset, i) => (i % 2 === 0 ? [[preset, words[i + 1] as NatEngine] as const] : []));
  for (let i = 0; i < jobs.length; i += atOnce) await Promise.all(jobs.slice(i, i + atOnce).map(([preset, engine]) => probe(preset, engine)));
} else {
  process.exitCode = await runIsolated(new URL(import.meta.url), process.argv.slice(2), { env: { UV_THREADPOOL_SIZE: String(3 * atOnce) } });
}
