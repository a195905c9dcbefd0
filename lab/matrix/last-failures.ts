/** Which cells came out wrong the last time: a small file beside the results. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import type { Cell } from './cell.ts';
import { wrongWord } from './vocabulary.ts';
import type { Axis, Vocabulary } from './vocabulary.ts';

const fileName = 'lab.matrix.failed.json';

/** Cells by names that the lab still knows. */
function schemaFor(vocabulary: Vocabulary) {
  const known = (axis: Axis) => z.string().refine((name) => vocabulary[axis].names.includes(name), { error: ({ input }) => wrongWord(vocabulary[axis], String(input)) });
  const cell = z.object({ id: z.string(), scenario: known('scenario'), nat: known('nat'), ike: known('ike'), backend: known('backend'), acts: z.array(z.string()).min(1), set: z.array(z.string()), seed: z.int().min(0) });
  return z.object({ schema: z.literal(1), cells: z.array(cell) });
}

/** In the folder where the JSON results are; where there are none, in the working directory. */
export const failuresBeside = (json: string | undefined): string => join(json === undefined || json === '-' ? '.' : relative('.', dirname(json)), fileName);

export function readFailures(file: string, vocabulary: Vocabulary): readonly Cell[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Problem(`--only-failed: there is no ${file}, so nothing came out wrong, or no matrix has been played here; leave the option out`);
  }
  const read = schemaFor(vocabulary).safeParse(parsed(text));
  if (!read.success) throw new Problem(`--only-failed: ${file} is not what a matrix of this lab has left (${read.error.issues[0]!.path.join('.')}: ${read.error.issues[0]!.message}); leave the option out once`);
  return read.data.cells as readonly Cell[];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const writeFailures = (file: string, cells: readonly Cell[]): Promise<void> => writeFile(file, `${JSON.stringify({ schema: 1, cells }, null, 2)}\n`);
