/** From what was asked for to the cells that are played: each act once for every box and version of IKE that makes a difference to it, and no more often. */
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { presets } from '../../src/nat/presets.ts';
import type { BackendName } from '../backends/backend.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { Problem } from '../problem.ts';
import { topologyOf } from '../run.ts';
import type { Values } from '../scenarios/parameters.ts';
import type { Act, Scenario } from '../scenarios/scenario.ts';
import { castOf } from '../topology/cast.ts';
import type { Shelf } from '../topology/shelf.ts';
import { idOf, own, placesOf } from './cell.ts';
import type { Cell, Coordinates } from './cell.ts';

/** Every combination of these. */
export interface Axes {
  readonly scenario: readonly string[];
  readonly nat: readonly string[];
  readonly ike: readonly Cell['ike'][];
  readonly backend: readonly BackendName[];
}

export interface Selection extends Axes {
  /** Besides. */
  readonly include: readonly Axes[];
  /** Not those: an axis that is not named means all of it. */
  readonly exclude: readonly Partial<Axes>[];
  readonly set: readonly string[];
  readonly seed: number;
}

/** What a selection names, as the lab has it. */
export interface Lessons {
  readonly catalogue: Catalogue;
  /** The settings that the lesson takes, and what comes of them on this backend. */
  settingsOf(scenario: Scenario, backend: BackendName): { readonly set: readonly string[]; readonly values: Values };
}

export function planCells(selection: Selection, { catalogue, settingsOf }: Lessons): readonly Cell[] {
  const wanted = [selection, ...selection.include].flatMap(combinations).filter((one) => !isExcluded(one, selection));
  const cells = new Map<string, Cell & { readonly plays: readonly Act[] }>();
  const natures = new Map<string, readonly Nature[]>();
  for (const asked of wanted) {
    const scenario = catalogue.scenarios.find(({ id }) => id === asked.scenario)!;
    const { set, values } = settingsOf(scenario, asked.backend);
    const lesson = `${asked.scenario}/${asked.backend}`;
    const acts = natures.get(lesson) ?? scenario.acts(values).map((act) => natureOf(act, catalogue));
    natures.set(lesson, acts);
    for (const { act, boxMatters, ikeMatters } of acts) {
      const coordinates: Coordinates = { ...asked, nat: boxMatters ? asked.nat : own, ike: ikeMatters ? asked.ike : own };
      const id = idOf(coordinates);
      const plays = cells.get(id)?.plays ?? [];
      if (isExcluded(coordinates, selection) || plays.includes(act)) continue;
      cells.set(id, { id, ...coordinates, acts: [], set, seed: selection.seed, plays: [...plays, act] });
    }
  }
  const isRepeated = (act: Act, cell: Cell): boolean => moreOwn(cell).some((other) => cells.get(idOf(other))?.plays.includes(act) === true && planOf(act, other, catalogue) === planOf(act, cell, catalogue));
  const played = [...cells.values()].flatMap(({ plays, ...cell }) => {
    const acts = plays.filter((act) => !isRepeated(act, cell)).map(({ id }) => id);
    return acts.length === 0 ? [] : [{ ...cell, acts }];
  });
  if (played.length === 0) throw new Problem('the matrix has no cells: all that was asked for is excluded');
  return played;
}

/** The same cell with a box or a version less that was asked for. */
function moreOwn(cell: Coordinates): readonly Coordinates[] {
  const others: readonly Coordinates[] = [{ ...cell, nat: own }, { ...cell, ike: own }, { ...cell, nat: own, ike: own }];
  return others.filter((other) => other.nat !== cell.nat || other.ike !== cell.ike);
}

const combinations = ({ scenario, nat, ike, backend }: Axes): readonly Coordinates[] =>
  backend.flatMap((onBackend) => scenario.flatMap((lesson) => nat.flatMap((box) => ike.map((mode) => ({ scenario: lesson, nat: box, ike: mode, backend: onBackend })))));

const isExcluded = (one: Coordinates, { exclude }: Selection): boolean =>
  exclude.some(({ scenario, nat, ike, backend }) => (scenario?.includes(one.scenario) ?? true) && (nat?.includes(one.nat) ?? true) && (ike?.includes(one.ike) ?? true) && (backend?.includes(one.backend) ?? true));

interface Nature {
  readonly act: Act;
  /** An act that brings its boxes, or has none, is the same behind all. */
  readonly boxMatters: boolean;
  readonly ikeMatters: boolean;
}

/** Found by trying: what an act keeps, and what its adjustment undoes, shows in the topologies that come of it. */
function natureOf(act: Act, shelf: Shelf): Nature {
  const [one, other] = presets as readonly [NatPreset, NatPreset];
  const [here, there] = [castOf(topologyOf(act, { shelf, preset: one.name, ike: 'v1' })), castOf(topologyOf(act, { shelf, preset: other.name, ike: 'v2' }))];
  const boxes = ({ boxes: all }: typeof here): string => JSON.stringify(all.map(({ box }) => box.behaviour));
  return { act, boxMatters: boxes(here) !== boxes(there), ikeMatters: here.ike !== there.ike };
}

const planned = new WeakMap<Act, Map<string, string>>();

function planOf(act: Act, { nat, ike }: Coordinates, shelf: Shelf): string {
  const plans = planned.get(act) ?? new Map<string, string>();
  planned.set(act, plans);
  const key = `${nat}/${ike}`;
  const plan = plans.get(key) ?? written(act, { shelf, ...placesOf({ nat, ike }) });
  plans.set(key, plan);
  return plan;
}

function written(act: Act, places: Parameters<typeof topologyOf>[1]): string {
  try {
    return JSON.stringify(topologyOf(act, places).plan, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  } catch (error) {
    // A network that cannot be is no repetition of another: the cell will say why.
    if (error instanceof Problem) return error.message;
    throw error;
  }
}
