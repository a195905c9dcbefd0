/** Ladders of acts, and what they say, read as a person reads them: from the characters alone. */
import { networkOf } from '../../lab/ladder/network.ts';
import { isIke, seenAt } from '../../lab/checks/wire.ts';
import { ladder } from '../../lab/report/ladder/ladder.ts';
import type { Teacher } from '../../lab/report/teacher.ts';
import { themeFor } from '../../lab/report/theme.ts';
import type { ActResult } from '../../lab/run.ts';

export const bare = themeFor({ isTTY: false }, false);

export const drawn = ({ topology, trace }: ActResult, width: number, teacher?: Teacher): readonly string[] => ladder(trace, networkOf(topology, {}), { theme: bare, width, teacher });

/** Without lifelines, times and line ends. */
const textOf = (lines: readonly string[]): string => lines.map((line) => line.replace(/^ *[\d:.]+( s)? {2}/, ' ').replace(/[│├┤]/g, ' ')).join(' ').replace(/ +/g, ' ');

/** How many IKE messages it tells of, one by one or folded. */
export function ikeMessagesIn(lines: readonly string[]): number {
  const text = textOf(lines);
  const sum = (pattern: RegExp, count: (groups: readonly string[]) => number): number => [...text.matchAll(pattern)].reduce((total, groups) => total + count(groups), 0);
  return (
    sum(/\S (?:request|response) (?:mid )?\d+(?!, retransmissions|\d)/g, () => 1) +
    sum(/, retransmissions (\d+) to (\d+)/g, ([, first, last]) => Number(last) - Number(first) + 1) +
    sum(/ (?:request|(?<! and )response) × (\d+)/g, ([, count]) => Number(count)) +
    sum(/ request and response × (\d+)/g, ([, count]) => 2 * Number(count))
  );
}

/** How many IKE messages have left the hosts. */
export const ikeMessagesSent = ({ topology, trace }: ActResult): number => topology.plan.nodes.flatMap(({ kind, name }) => (kind === 'host' ? seenAt(trace, { node: name, direction: 'out' }).filter(isIke) : [])).length;
