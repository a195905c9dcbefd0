import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { Problem } from '../problem.ts';
import { suggestion } from '../suggest.ts';
import { whyUnreadable } from '../unreadable.ts';
import { describeIssues, parseYaml } from '../yaml-file.ts';
import type { Locate } from '../yaml-file.ts';
import { topologySchema } from './schema.ts';
import type { TopologyFile, TopologySource } from './schema.ts';
import { ownShelf } from './shelf.ts';
import type { Shelf } from './shelf.ts';

/** A topology as it was read: its source can still be varied by a lesson. */
export interface LoadedTopology {
  readonly name: string;
  readonly source: TopologySource;
  /** The checked file and where each of its parts stands, for the errors that only the planner finds. */
  readonly file: TopologyFile;
  readonly locate: Locate;
  /** The boxes that it may name. */
  readonly presets: readonly NatPreset[];
  /** What its paths start from. */
  readonly folder: string;
}

/** The topologies that come with the lab. */
export const topologyNames = (): string[] => [...ownShelf.topologies.keys()];

/** By the name of one on the shelf, or the path of a file. Throws a Problem with file, line, column and what was expected. */
export function loadTopology(nameOrFile: string, { topologies, presets }: Shelf = ownShelf): LoadedTopology {
  const isFile = /[./\\]/.test(nameOrFile);
  const place = isFile ? { path: nameOrFile, shown: nameOrFile } : topologies.get(nameOrFile);
  if (place === undefined) throw new Problem(`no topology "${nameOrFile}"; ${suggestion(nameOrFile, [...topologies.keys()])}\n  A file of your own is named with its path: ./${nameOrFile}.yaml`);
  let text: string;
  try {
    text = readFileSync(place.path, 'utf8');
  } catch (error) {
    throw new Problem(`cannot read the topology ${place.shown}: ${whyUnreadable(error)}`);
  }
  return parseTopology(text, place.shown, presets, dirname(place.path instanceof URL ? fileURLToPath(place.path) : place.path));
}

export function parseTopology(text: string, shown: string, presets = ownShelf.presets, folder = '.'): LoadedTopology {
  const { source, content, locate } = parseYaml(text, topologySchema, shown, 'the topology');
  return { name: shown.replace(/^.*\//, '').replace(/\.ya?ml$/, ''), source, file: content, locate, presets, folder };
}

/** A lesson's or the command line's change of a topology: given fields replace, records are merged, null takes an entry away. */
export type Variation = { readonly [Key in keyof TopologySource]?: unknown };

export function vary(topology: LoadedTopology, ...variations: readonly Variation[]): LoadedTopology {
  const source = variations.reduce<unknown>(merge, topology.source) as TopologySource;
  const checked = topologySchema.safeParse(source);
  const locate: Locate = (path) => `${topology.name} (varied), ${path.join('.')}`;
  if (!checked.success) throw new Problem(describeIssues(checked.error, topologySchema, locate, 'the topology'));
  return { ...topology, source, file: checked.data, locate };
}

function merge(base: unknown, change: unknown): unknown {
  if (!isRecord(base) || !isRecord(change)) return change;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(change)) {
    if (value === null) Reflect.deleteProperty(merged, key);
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
