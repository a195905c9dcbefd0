/** Every check of every lesson has been seen red: by breaking a rule on purpose, and looking which checks notice. */
import { describe, expect, test, vi } from 'vitest';
import { checksOf, lessonIds, play } from '../support/lessons.ts';
import { brokenRules } from './broken-rules.ts';
import { judge } from './judge.ts';

vi.setConfig({ testTimeout: 30_000 });

test('each lesson is listed once, and so is each rule', () => {
  expect(lessonIds).toEqual([...new Set(lessonIds)]);
  expect(brokenRules.filter((rule, i) => brokenRules.indexOf(rule) !== i)).toEqual([]);
});

/** By check: how many others of its act were red with it at the least, and with which verdicts. */
const seen = new Map<string, { companions: number; readonly verdicts: Set<string> }>();

describe.each(lessonIds)('%s notices when', (id) => {
  test.each(brokenRules.filter(({ lesson }) => lesson === id))('$rule', async (broken) => {
    const noticed = (await judge(broken)).filter(({ verdict }) => verdict !== 'pass');
    expect(noticed.map((check) => check.id).sort()).toEqual([...broken.red].sort());
    for (const check of noticed) {
      const companions = noticed.filter((other) => other !== check && actOf(other.id) === actOf(check.id)).length;
      const known = seen.get(`${id} ${check.id}`);
      seen.set(`${id} ${check.id}`, { companions: Math.min(companions, known?.companions ?? companions), verdicts: new Set([...(known?.verdicts ?? []), check.verdict]) });
    }
  });
});

const actOf = (check: string): string => check.split('/')[0]!;

/** Looks at what the tests above have gathered. */
describe('of all the checks of all the lessons', async () => {
  const results = await Promise.all(lessonIds.map((id) => play(id)));
  const all = results.flatMap((result) => checksOf(result).map(({ id }) => `${result.scenario.id} ${id}`));

  test('each has been seen red', () => {
    expect(all.filter((check) => !seen.has(check))).toEqual([]);
  });

  test('each says either "fail" or, where it guards against a lesson that shows nothing, "inconclusive"', () => {
    expect([...seen].filter(([, { verdicts }]) => verdicts.size !== 1 || verdicts.has('unsupported'))).toEqual([]);
  });

  test('each claim has been seen red with no other of its act: none only repeats another', () => {
    expect([...seen].filter(([, { companions, verdicts }]) => companions > 0 && verdicts.has('fail')).map(([check]) => check)).toEqual([]);
  });
});
