/** YAML files as people write them: read against a schema, with line and column for whatever is wrong in them. */
import { LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z, ZodError } from 'zod';
import { Problem } from './problem.ts';
import { suggestion } from './suggest.ts';

/** `home.yaml:12:7` of a path such as `nats.box.preset`. */
export type Locate = (path: readonly PropertyKey[]) => string;

export interface YamlFile<Schema extends z.ZodType> {
  /** As it was written. */
  readonly source: z.input<Schema>;
  /** The same, checked. */
  readonly content: z.output<Schema>;
  readonly locate: Locate;
}

/** `shown` is what the file is called, `whole` what it is: `the topology`. Throws a Problem with file, line, column and what was expected. */
export function parseYaml<Schema extends z.ZodType>(text: string, schema: Schema, shown: string, whole: string): YamlFile<Schema> {
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
  const checked = schema.safeParse(source);
  if (!checked.success) throw new Problem(describeIssues(checked.error, schema, locate, whole));
  return { source: source as z.input<Schema>, content: checked.data, locate };
}

/** What does not fit the schema, a line for each, with where it stands and the nearest key that there is. */
export function describeIssues(error: ZodError, schema: z.ZodType, locate: Locate, whole: string): string {
  return error.issues
    .map((issue) => {
      if (issue.code === 'unrecognized_keys') {
        const [key = ''] = issue.keys;
        return `${locate([...issue.path, key])}: unknown key "${key}" in ${issue.path.length > 0 ? issue.path.join('.') : whole}; ${suggestion(key, knownKeys(schema, issue.path))}`;
      }
      return `${locate(issue.path)}: ${issue.path.join('.')}: ${issue.message}`;
    })
    .join('\n');
}

/** The keys that the schema knows at a path; record keys are names of the user's own, so any of them stands for all. */
function knownKeys(whole: z.ZodType, path: readonly PropertyKey[]): string[] {
  const part = path.reduce<unknown>(step, whole);
  return Object.keys(unwrap(part).shape ?? {});
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
