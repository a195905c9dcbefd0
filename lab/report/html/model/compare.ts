/** Two acts side by side, aligned by the steps of their stories. */
import type { Row } from '../../../ladder/rows.ts';

/** What stands at one height; a side that has nothing there is empty. */
export interface RowPair {
  readonly left: Row | undefined;
  readonly right: Row | undefined;
}

/** Steps that say the same stand beside each other; the others in their order, as far as there are any on the other side between the same neighbours. */
export function aligned(left: readonly Row[], right: readonly Row[]): readonly RowPair[] {
  const [ours, theirs] = [chaptersOf(left), chaptersOf(right)];
  const pairs: RowPair[] = [];
  let [i, j] = [0, 0];
  const beside = (one: readonly Row[], other: readonly Row[]): void => {
    for (let k = 0; k < Math.max(one.length, other.length); k++) pairs.push({ left: one[k], right: other[k] });
  };
  for (const [nextI, nextJ] of [...common(ours.map(storyOf), theirs.map(storyOf)), [ours.length, theirs.length] as const]) {
    for (; i < nextI || j < nextJ; i += i < nextI ? 1 : 0, j += j < nextJ ? 1 : 0) beside(i < nextI ? ours[i]! : [], j < nextJ ? theirs[j]! : []);
    if (i < ours.length && j < theirs.length) beside(ours[i++]!, theirs[j++]!);
  }
  return pairs;
}

/** Each begins with a step; the first may have none. */
function chaptersOf(rows: readonly Row[]): readonly (readonly Row[])[] {
  const chapters: Row[][] = [];
  for (const row of rows) {
    if (row.kind === 'step' || chapters.length === 0) chapters.push([row]);
    else chapters.at(-1)!.push(row);
  }
  return chapters;
}

const storyOf = ([head]: readonly Row[]): string => (head?.kind === 'step' ? head.event.body.story : '');

/** The longest common subsequence, as pairs of positions. */
function common(one: readonly string[], other: readonly string[]): readonly (readonly [number, number])[] {
  const lengths = Array.from({ length: one.length + 1 }, () => new Array<number>(other.length + 1).fill(0));
  for (let i = one.length - 1; i >= 0; i--) for (let j = other.length - 1; j >= 0; j--) lengths[i]![j] = one[i] === other[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    if (one[i] === other[j]) pairs.push([i++, j++]);
    else if (lengths[i + 1]![j]! >= lengths[i]![j + 1]!) i++;
    else j++;
  }
  return pairs;
}
