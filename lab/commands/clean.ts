/** `lab clean`: what a killed run has left in the Docker engine. The other backends leave nothing, however they end. */
import { clean as cleanEngine } from '../backends/docker/clean.ts';
import { reachEngine, where } from '../backends/docker/engine.ts';
import { plural } from '../wording.ts';

export async function clean({ json }: { json?: true }): Promise<number> {
  const cleaned = await cleanEngine(await reachEngine());
  if (json) {
    process.stdout.write(`${JSON.stringify(cleaned, null, 2)}\n`);
    return 0;
  }
  const { runs, containers, networks, living } = cleaned;
  for (const name of [...containers, ...networks]) console.log(`removed ${name}`);
  console.log(runs.length === 0 ? `No run has left anything in the engine at ${where()}.` : `${plural(runs.length, 'run')} had left ${plural(containers.length, 'container')} and ${plural(networks.length, 'network')}.`);
  if (living.length > 0) console.log(`${plural(living.length, 'run')} ${living.length === 1 ? 'is' : 'are'} under way and ${living.length === 1 ? 'keeps' : 'keep'} what ${living.length === 1 ? 'it has' : 'they have'}.`);
  return 0;
}
