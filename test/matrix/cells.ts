/** Cells for tests that play nothing, or little. */
import { loadBackend } from '../../lab/backends/index.ts';
import { ownCatalogue } from '../../lab/catalogue/catalogue.ts';
import type { Cell } from '../../lab/matrix/cell.ts';
import { idOf } from '../../lab/matrix/cell.ts';
import { planCells } from '../../lab/matrix/plan.ts';
import type { Selection } from '../../lab/matrix/plan.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';

export function cell(over: Partial<Cell> = {}): Cell {
  const made = { scenario: 'port-float', nat: 'own', ike: 'own', backend: 'sim', acts: ['float'], set: [], seed: 1, ...over } as const;
  return { ...made, id: over.id ?? idOf(made) };
}

/** As the command plans them, without settings. */
export async function plan(selection: Partial<Selection>): Promise<readonly Cell[]> {
  const { clock } = await loadBackend('sim');
  const all: Selection = { scenario: ['port-float'], nat: ['own'], ike: ['own'], backend: ['sim'], include: [], exclude: [], set: [], seed: 1, ...selection };
  return planCells(all, { catalogue: ownCatalogue, settingsOf: (scenario) => ({ set: [], values: parseSettings(scenario.id, scenario.parameters, [], clock) }) });
}

export const brief = (cells: readonly Cell[]): string[] => cells.map(({ id, acts }) => `${id}: ${acts.join(' ')}`);
