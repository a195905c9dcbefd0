/** The names that an axis of the matrix knows, on the command line and in a file alike, and the words that stand for several. */
import { backendNames } from '../backends/backend.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { suggestion } from '../suggest.ts';
import { ikeModes } from '../topology/ike-version.ts';
import { own } from './cell.ts';
import type { Axes } from './plan.ts';

export const axisNames = ['scenario', 'nat', 'ike', 'backend'] as const satisfies readonly (keyof Axes)[];
export type Axis = (typeof axisNames)[number];

interface Words {
  /** `NAT preset` */
  readonly what: string;
  readonly names: readonly string[];
  /** `all` */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** What is meant when nothing is said. */
  readonly usual: string;
}

export type Vocabulary = Readonly<Record<Axis, Words>>;

export function vocabularyOf(catalogue: Catalogue): Vocabulary {
  const [lessons, headlines] = [catalogue.scenarios, catalogue.headlines].map((some) => some.map(({ id }) => id)) as [string[], string[]];
  const boxes = catalogue.presets.map(({ name }) => name);
  return {
    scenario: { what: 'scenario', names: lessons, groups: { all: lessons, headlines }, usual: catalogue.folders.length > 0 ? 'headlines' : 'all' },
    nat: { what: 'NAT preset', names: [own, ...boxes], groups: { all: [own, ...boxes] }, usual: own },
    ike: { what: 'version of IKE', names: [own, ...ikeModes], groups: { all: ikeModes }, usual: own },
    backend: { what: 'backend', names: backendNames, groups: { all: backendNames }, usual: 'sim' },
  };
}

/** All that may be written. */
export const wordsOf = ({ names, groups }: Words): readonly string[] => [...names, ...Object.keys(groups)];

/** `no NAT preset "simmetric"; did you mean "symmetric"?` */
export const wrongWord = (words: Words, word: string): string => `no ${words.what} "${word}"; ${suggestion(word, wordsOf(words))}`;

/** Words that have been checked, each group as its names; the usual where nothing is said. */
export const axesOf = (vocabulary: Vocabulary, said: Partial<Record<Axis, readonly string[] | undefined>>): Axes =>
  Object.fromEntries(axisNames.map((axis) => [axis, [...new Set((said[axis] ?? [vocabulary[axis].usual]).flatMap((word) => vocabulary[axis].groups[word] ?? [word]))]])) as unknown as Axes;
