/** Lessons behind every box of the zoo, as tables: what works, what works after a while, what fails and why; each cell beside what the oracle said. */
import { loadBackend } from '../backends/index.ts';
import { loadCatalogue } from '../catalogue/catalogue.ts';
import { lineWidth } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import { ZooTable } from '../report/zoo-table.ts';
import { castFor, topologyOf } from '../run.ts';
import { actsBehind, isAsForeseen, playBehind } from '../zoo/cells.ts';
import type { Cell } from '../zoo/cells.ts';
import { plural } from '../wording.ts';
import { boxNamed, natEngineOf, placesOf, scenarioNamed, seedOf, settingsOf } from './asked.ts';
import { interrupted, interruptible } from './interruption.ts';
import { outputTo } from './output.ts';
import type { CommandLine } from './run.ts';
import { ranElsewhere } from './usable-backend.ts';

export interface ZooCommandLine extends Pick<CommandLine, 'scenarios' | 'mininetTopo' | 'mininetMap' | 'backend' | 'ike' | 'natEngine' | 'set' | 'seed' | 'json' | 'color'> {
  readonly nat?: readonly string[];
}

export async function zoo(names: readonly string[], options: ZooCommandLine): Promise<number> {
  const catalogue = await loadCatalogue(options.scenarios);
  const chosen = names.length === 0 ? catalogue.headlines : names.map((name) => scenarioNamed(name, catalogue));
  const boxes = options.nat === undefined ? catalogue.presets : options.nat.map((name) => boxNamed(name, catalogue));
  const { ike, mininetTopo, mininetMap } = options;
  const places = await placesOf({ ...(ike !== undefined && { ike }), ...(mininetTopo !== undefined && { mininetTopo }), ...(mininetMap !== undefined && { mininetMap }) }, catalogue);
  const seed = seedOf(options.seed);
  const backend = await loadBackend(options.backend);
  const natEngine = natEngineOf(options.natEngine, backend);
  const settings = settingsOf(chosen, options.set ?? [], backend.clock);
  if (places.topology !== undefined) for (const [i, scenario] of chosen.entries()) for (const act of actsBehind(scenario, { values: settings[i]!, ...places })) castFor(act, topologyOf(act, places));
  const status = await ranElsewhere(backend);
  if (status !== undefined) return status;
  const json = options.json === undefined ? undefined : await outputTo(options.json);
  const people = options.json === '-' ? process.stderr : process.stdout;
  const table = new ZooTable({ theme: themeFor(people, options.color), width: lineWidth(people, 120), write: (line) => void people.write(`${line}\n`) });

  return interruptible(async (signal) => {
    const isInterrupted = (): boolean => signal.aborted;
    const cells: Cell[] = [];
    for (const [i, scenario] of chosen.entries()) {
      const acts = actsBehind(scenario, { values: settings[i]!, ...places });
      table.begin(scenario, acts, `behind ${plural(boxes.length, 'box', 'boxes')} (${backend.name}${places.ike === undefined ? '' : `, --ike ${places.ike}`})`);
      for (const box of acts.length === 0 ? [] : boxes) {
        if (isInterrupted()) break;
        const row = await playBehind(box, scenario, acts, { backend, natEngine, values: settings[i]!, seed, signal, ...places });
        if (isInterrupted()) break; // half a row says nothing
        table.row(box, row);
        cells.push(...row);
      }
      table.end();
    }
    table.verdict(cells);
    json?.write(`${JSON.stringify({ schema: 1, backend: backend.name, seed, cells: cells.map((cell) => ({ ...cell, asForeseen: isAsForeseen(cell) })) }, null, 2)}\n`);
    await json?.close();
    if (isInterrupted()) return interrupted;
    if (cells.every(({ outcome }) => outcome.kind === 'unsupported')) return 3;
    return cells.every(isAsForeseen) ? 0 : 1;
  });
}
