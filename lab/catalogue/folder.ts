/**
 * A folder of one's own: lessons as modules in it, boxes in presets/, networks in topologies/. All of it is looked at when it is read, so that
 * what is wrong is said before anything is played, with the file's name.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { topologiesIn } from '../topology/shelf.ts';
import type { Shelf } from '../topology/shelf.ts';
import { exportsOf, isModule, placeIn } from './module.ts';
import { readPresets } from './preset-files.ts';
import { isScenario, mustBeFree, mustBeSound } from './soundness.ts';

interface Named extends Shelf {
  readonly scenarios: readonly Scenario[];
}

/** What the folder adds: its scenarios; and the shelf with its presets and topologies on it. */
export async function readFolder(folder: string, there: Named): Promise<Named> {
  const files = filesOf(folder);
  const presets = files.includes('presets') ? readPresets(join(folder, 'presets'), there.presets) : there.presets;
  const topologies = files.includes('topologies') ? withTopologies(join(folder, 'topologies'), there.topologies) : there.topologies;
  const shelf = { presets, topologies };
  const added: Scenario[] = [];
  for (const file of files.filter(isModule)) {
    const path = join(folder, file);
    const found = Object.values(await exportsOf(path)).filter(isScenario);
    if (found.length === 0) throw new Problem(`${path}: exports no scenario. It wants "export default defineScenario({ … })"; what lessons share can lie in a folder below`);
    for (const scenario of new Set(found)) {
      mustBeFree('scenario', scenario.id, [...there.scenarios, ...added].map(({ id }) => id), path);
      lookedAt(path, () => mustBeSound(scenario, shelf, path));
      added.push(scenario);
    }
  }
  if (added.length === 0 && presets.length === there.presets.length && topologies.size === there.topologies.size) {
    throw new Problem(`${folder}: nothing is there to add: no scenario (NAME.ts or NAME.js), no presets/NAME.yaml, no topologies/NAME.yaml`);
  }
  return { ...shelf, scenarios: added };
}

/** A lesson's own code runs when it is looked at, and may fail in ways of its own. */
function lookedAt(path: string, look: () => void): void {
  try {
    look();
  } catch (error) {
    throw error instanceof Problem ? error : new Problem(`${placeIn(path, error)}: ${String(error)}`);
  }
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Problem(`--scenarios ${folder}: ${code === 'ENOENT' ? 'no such folder' : code === 'ENOTDIR' ? 'that is no folder' : message}`);
  }
}

function withTopologies(folder: string, there: Shelf['topologies']): Shelf['topologies'] {
  const added = topologiesIn(folder, folder);
  for (const [name, { shown }] of added) mustBeFree('topology', name, [...there.keys()], shown);
  return new Map([...there, ...added]);
}
