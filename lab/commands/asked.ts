/** What the command line asks for, word by word: each is read here into what it names, or refused with the nearest name that there is. */
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { natEngineChoices } from '../backends/backend.ts';
import type { Backend, NatEngineChoice } from '../backends/backend.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { Problem } from '../problem.ts';
import type { RunOptions } from '../run.ts';
import { parseSettings } from '../scenarios/parameters.ts';
import type { Values } from '../scenarios/parameters.ts';
import type { Act, Scenario } from '../scenarios/scenario.ts';
import { suggestion } from '../suggest.ts';
import { presetOn } from '../topology/shelf.ts';
import { ikeModes } from '../topology/ike-version.ts';
import type { IkeMode } from '../topology/ike-version.ts';

/** What every command has that takes names. */
export interface Named {
  /** Folders with lessons, boxes and topologies of one's own. */
  readonly scenarios?: readonly string[];
}

/** Another topology than the lessons' own: by its name or file, or as a class of mininet's. */
export interface Elsewhere {
  readonly topology?: string;
  readonly mininetTopo?: string;
  readonly mininetMap?: string;
}

/** `others`: what else the word could have meant. */
export function scenarioNamed(name: string, { scenarios }: Catalogue, others: readonly string[] = []): Scenario {
  const found = scenarios.find(({ id }) => id === name);
  if (found) return found;
  throw new Problem(`no scenario ${others.length === 0 ? '' : 'or command '}"${name}"; ${suggestion(name, [...scenarios.map(({ id }) => id), ...others])}`);
}

export const noAct = ({ id }: Scenario, acts: readonly Act[], name: string): Problem => new Problem(`${id} has no act "${name}"; ${suggestion(name, acts.map((act) => act.id))}`);

export function boxNamed(name: string, { presets }: Catalogue): NatPreset {
  const preset = presetOn(presets, name);
  if (preset === undefined) throw new Problem(`no NAT preset "${name}"; ${suggestion(name, presets.map((one) => one.name))}`);
  return preset;
}

export function ikeModeOf(text: string): IkeMode {
  const mode = ikeModes.find((one) => one === text);
  if (mode === undefined) throw new Problem(`--ike ${text}: ${suggestion(text, ikeModes)}`);
  return mode;
}

/** What is wanted instead of the acts' own topology, boxes and version of IKE, and where all of them are found. */
export async function placesOf({ nat, ike, ...elsewhere }: Elsewhere & { readonly nat?: string; readonly ike?: string }, catalogue: Catalogue): Promise<Pick<RunOptions, 'shelf' | 'topology' | 'preset' | 'ike'>> {
  const topology = await topologyAsked(elsewhere, catalogue);
  return {
    shelf: catalogue,
    ...(topology === undefined ? {} : { topology }),
    ...(nat === undefined ? {} : { preset: boxNamed(nat, catalogue).name }),
    ...(ike === undefined ? {} : { ike: ikeModeOf(ike) }),
  };
}

/** Undefined where none is asked for. */
export async function topologyAsked({ topology, mininetTopo, mininetMap }: Elsewhere, { presets }: Catalogue): Promise<RunOptions['topology']> {
  if (mininetTopo === undefined && mininetMap !== undefined) throw new Problem('--mininet-map says who is who in --mininet-topo FILE.py:CLASS; name that as well');
  if (mininetTopo === undefined) return topology;
  if (topology !== undefined) throw new Problem(`the topology ${topology} and --mininet-topo: one of them is enough`);
  const { topoAsTopology } = await import('../backends/mininet/topo.ts');
  return topoAsTopology(mininetTopo, mininetMap, presets);
}

/** Reproducible runs need a number that people can repeat. */
export function seedOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Problem(`--seed ${text}: expected a whole number of up to nine digits`);
}

/** Asking for an engine where there is but one would promise a difference that is not there. */
export function natEngineOf(text: string | undefined, { name, natEngines }: Backend): NatEngineChoice {
  if (text === undefined) return 'auto';
  const choice = natEngineChoices.find((one) => one === text);
  if (choice === undefined) throw new Problem(`no NAT engine "${text}"; ${suggestion(text, natEngineChoices)}`);
  if (natEngines.length === 1) throw new Problem(`--nat-engine ${text}: on ${name} every box runs on the ${natEngines[0]!}; leave the option out, or choose a backend with real namespaces, such as --backend netns`);
  return choice;
}

/** With several lessons a setting goes to those that have the parameter. */
export function settingsOf(chosen: readonly Scenario[], settings: readonly string[], clock: Backend['clock']): readonly Values[] {
  const has = ({ parameters }: Scenario, setting: string): boolean => Object.hasOwn(parameters, setting.split('=')[0]!);
  const stray = settings.find((setting) => !chosen.some((scenario) => has(scenario, setting)));
  if (stray !== undefined && chosen.length > 1) {
    const name = stray.split('=')[0]!;
    throw new Problem(`none of ${chosen.map(({ id }) => id).join(', ')} has a parameter "${name}"; ${suggestion(name, chosen.flatMap(({ parameters }) => Object.keys(parameters)))}`);
  }
  return chosen.map((scenario) => parseSettings(scenario.id, scenario.parameters, settings.filter((setting) => chosen.length === 1 || has(scenario, setting)), clock));
}
