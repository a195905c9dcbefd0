/** All that a command line can name: lessons, boxes, topologies. It is read once and handed down to whoever looks for a name. */
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { headlines, scenarios } from '../scenarios/index.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { ownShelf } from '../topology/shelf.ts';
import type { Shelf } from '../topology/shelf.ts';

export interface Catalogue extends Shelf {
  readonly scenarios: readonly Scenario[];
  /** What is played where nobody names a lesson. */
  readonly headlines: readonly Scenario[];
  /** What `--scenarios` named: who knows them can read the same catalogue elsewhere, in a thread for example. */
  readonly folders: readonly string[];
}

/** What comes with the lab. */
export const ownCatalogue: Catalogue = { ...ownShelf, scenarios, headlines, folders: [] };

/** The lab's own and what is in these folders, one after the other. Throws a Problem that names the file in which something is wrong. */
export async function loadCatalogue(folders: readonly string[] = []): Promise<Catalogue> {
  let catalogue = ownCatalogue;
  for (const folder of folders) catalogue = await joined(catalogue, folder);
  return catalogue;
}

/** What one has written oneself goes before the lab's headlines, and a name stands for one thing. */
async function joined(catalogue: Catalogue, folder: string): Promise<Catalogue> {
  const { presets, topologies, scenarios: added } = await (await import('./folder.ts')).readFolder(folder, catalogue);
  const others = catalogue.folders.length === 0 ? [] : catalogue.headlines;
  return {
    presets,
    topologies,
    scenarios: [...catalogue.scenarios, ...added],
    headlines: added.length === 0 ? catalogue.headlines : [...others, ...added],
    folders: [...catalogue.folders, folder],
  };
}

/** The boxes between IPv4 networks. */
export const naptBoxes = ({ presets }: Catalogue): readonly NatPreset[] => presets.filter(({ ipv6 }) => ipv6 === undefined);
