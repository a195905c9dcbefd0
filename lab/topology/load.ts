import { readFileSync, readdirSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { ZodError } from 'zod';
import { Problem } from '../problem.ts';
import { suggestion } from '../suggest.ts';
import { topologySchema } from './schema.ts';
import type { TopologyFile, TopologySource } from './schema.ts';

const folder = new URL('../../topologies/', import.meta.url);

/** A topology as it was read: its source can still be varied by a lesson. */
export interface LoadedTopology {
  readonly name: string;
  readonly source: TopologySource;
  /** The checked file and where each of its parts stands, for the errors that only the planner finds. */
  readonly file: TopologyFile;
  readonly locate: Locate;
}

/** `home.yaml:12:7` of a path such as `nats.box.preset`. */
export type Locate = (path: readonly PropertyKey[]) => string;

/** The topologies that come with the lab. */
export const topologyNames = (): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();

/** By the name of one of ours, or the path of a file. Throws a Problem with file, line, column and what was expected. */
export function loadTopology(nameOrFile: string): LoadedTopology {
  const isFile = /[./\\]/.test(nameOrFile);
  const path = isFile ? nameOrFile : new URL(`${nameOrFile}.yaml`, folder);
  const shown = isFile ? nameOrFile : `topologies/${nameOrFile}.yaml`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!isFile) throw new Problem(`no topology "${nameOrFile}"; ${suggestion(nameOrFile, topologyNames())}\n  A file of your own is named with its path: ./${nameOrFile}.yaml`);
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message;
    throw new Problem(`cannot read the topology ${shown}: ${why}`);
  }
  return parseTopology(text, shown);
}

export function parseTopology(text: string, shown: string): LoadedTopology {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${shown}:${line}:${col}`;
  };
  const [broken] = document.errors;
  if (broken) throw new Problem(`${at(broken.pos[0])}: ${broken.message}`);
  const locate: Locate = (path) => at(offsetOf(document, path));
  const source: unknown = document.toJS();
  const checked = topologySchema.safeParse(source);
  if (!checked.success) throw new Problem(describeIssues(checked.error, locate));
  return { name: shown.replace(/^.*\//, '').replace(/\.ya?ml$/, ''), source: source as TopologySource, file: checked.data, locate };
}

/** A lesson's or the command line's change of a topology: given fields replace, records are merged, null takes an entry away. */
export type Variation = { readonly [Key in keyof TopologySource]?: unknown };

export function vary(topology: LoadedTopology, ...variations: readonly Variation[]): LoadedTopology {
  const source = variations.reduce<unknown>(merge, topology.source) as TopologySource;
  const checked = topologySchema.safeParse(source);
  const locate: Locate = (path) => `${topology.name} (varied), ${path.join('.')}`;
  if (!checked.success) throw new Problem(describeIssues(checked.error, locate));
  return { name: topology.name, source, file: checked.data, locate };
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

function describeIssues(error: ZodError, locate: Locate): string {
  return error.issues
    .map((issue) => {
      if (issue.code === 'unrecognized_keys') {
        const [key = ''] = issue.keys;
        return `${locate([...issue.path, key])}: unknown key "${key}" in ${issue.path.length > 0 ? issue.path.join('.') : 'the topology'}; ${suggestion(key, knownKeys(issue.path))}`;
      }
      return `${locate(issue.path)}: ${issue.path.join('.')}: ${issue.message}`;
    })
    .join('\n');
}

/** The keys that the schema knows at a path; record keys are names of the user's own, so any of them stands for all. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = topologySchema;
  for (const key of path) schema = step(schema, key);
  return Object.keys(shapeOf(schema) ?? {});
}

interface ZodInternals {
  readonly def?: { readonly innerType?: unknown; readonly options?: readonly unknown[]; readonly valueType?: unknown; readonly element?: unknown };
  readonly shape?: Record<string, unknown>;
}

function step(schema: unknown, key: PropertyKey): unknown {
  const { def, shape } = unwrap(schema);
  return shape?.[String(key)] ?? def?.valueType ?? def?.element;
}

function unwrap(schema: unknown): ZodInternals {
  const inner = (schema ?? {}) as ZodInternals;
  if (inner.def?.innerType !== undefined) return unwrap(inner.def.innerType);
  const object = inner.def?.options?.map(unwrap).find((option) => option.shape !== undefined);
  return object ?? inner;
}

const shapeOf = (schema: unknown): Record<string, unknown> | undefined => unwrap(schema).shape;

/** Where a path stands in the file; where it is not there, its nearest ancestor that is. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const key = path[length - 1];
    const parent: unknown = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const items = (parent as { items?: readonly { key?: { value?: unknown; range?: readonly number[] }; range?: readonly number[] }[] } | null)?.items;
    const pair = typeof key === 'number' ? items?.[key] : items?.find((item) => item.key?.value === key);
    const range = pair?.key?.range ?? pair?.range;
    if (range?.[0] !== undefined) return range[0];
  }
  return 0;
}
