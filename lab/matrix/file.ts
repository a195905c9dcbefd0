/** `lab.matrix.yaml`: a matrix that a repository keeps. Its names are those of the command line, whose words take the place of the file's. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { whyUnreadable } from '../unreadable.ts';
import { parseYaml } from '../yaml-file.ts';
import type { Axes, Selection } from './plan.ts';
import { axesOf, axisNames, wordsOf, wrongWord } from './vocabulary.ts';
import type { Axis, Vocabulary } from './vocabulary.ts';

export const fileName = 'lab.matrix.yaml';

/** What editors are told of the file, and what it is read by. */
export function matrixFileSchema(vocabulary: Vocabulary) {
  const words = (axis: Axis) => {
    const word = z.enum(wordsOf(vocabulary[axis]) as [string, ...string[]], { error: ({ input }) => (typeof input === 'string' ? wrongWord(vocabulary[axis], input) : `expected the name of a ${vocabulary[axis].what}`) });
    return z.array(word).min(1);
  };
  const axes = Object.fromEntries(axisNames.map((axis) => [axis, words(axis).optional()])) as Record<Axis, z.ZodOptional<ReturnType<typeof words>>>;
  return z.strictObject({
    ...axes,
    set: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
    seed: z.int().min(0).max(999_999_999).optional(),
    include: z.array(z.strictObject(axes)).default([]),
    exclude: z.array(z.strictObject(axes)).default([]),
  });
}

/** For an editor's completion. */
export const matrixJsonSchema = (vocabulary: Vocabulary): object => z.toJSONSchema(matrixFileSchema(vocabulary), { io: 'input' });

export type Said = Partial<Record<Axis, readonly string[] | undefined>>;

/** The file that was named, or the one in the working directory; undefined where nothing is said and none is there. */
export function readMatrixFile(named: string | undefined, vocabulary: Vocabulary): z.output<ReturnType<typeof matrixFileSchema>> | undefined {
  if (named === undefined && !existsSync(fileName)) return undefined;
  const file = named ?? fileName;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem(`cannot read the matrix ${file}: ${whyUnreadable(error)}`);
  }
  return parseYaml(text, matrixFileSchema(vocabulary), file, 'the matrix').content;
}

/** What the command line says goes before the file, axis by axis; of what the file includes besides, that stays which it allows. */
export function selectionOf(file: ReturnType<typeof readMatrixFile>, said: Said, vocabulary: Vocabulary): Pick<Selection, keyof Axes | 'include' | 'exclude'> {
  const named = (part: Said): Partial<Axes> => Object.fromEntries(Object.entries(axesOf(vocabulary, part)).filter(([axis]) => part[axis as Axis] !== undefined));
  const allowed = named(said);
  const within = (axes: Axes): Axes => Object.fromEntries(axisNames.map((axis) => [axis, axes[axis].filter((name) => (allowed[axis] as readonly string[] | undefined)?.includes(name) ?? true)])) as unknown as Axes;
  return {
    ...axesOf(vocabulary, Object.fromEntries(axisNames.map((axis) => [axis, said[axis] ?? file?.[axis]]))),
    include: (file?.include ?? []).map((one) => within(axesOf(vocabulary, one))),
    exclude: (file?.exclude ?? []).map(named),
  };
}
