/** What the header files call by the same name and number each in its own way: algorithms, errors, types of SAs. */

/** From the numbers of `message.ts` to a system's own, and back. */
export interface Numbering {
  /** Undefined where the system has none. */
  own(neutral: number): number | undefined;
  neutral(own: number): number;
}

/** The system's numbers are ours. */
export const sameNumbers: Numbering = { own: (number) => number, neutral: (number) => number };

/** A number that a system has and we have not is kept apart from ours: this much above. */
const unknown = 0x100;

/** By a table of pairs, ours first: one that is in no pair is neither said nor taken for one of ours. */
export function numbering(pairs: readonly (readonly [neutral: number, own: number])[]): Numbering {
  const own = new Map(pairs);
  const neutral = new Map(pairs.map(([ours, theirs]) => [theirs, ours]));
  return {
    own: (number) => own.get(number) ?? (number >= unknown ? number - unknown : undefined),
    neutral: (number) => neutral.get(number) ?? number + unknown,
  };
}

/** The same as ours, but only these: a table in which the numbers differ nowhere. */
export const onlyNumbers = (...numbers: readonly number[]): Numbering => numbering(numbers.map((number) => [number, number]));
