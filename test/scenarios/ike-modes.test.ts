/** The lessons in IKEv1, main mode and aggressive mode: the same claims hold, whichever way of negotiating an act is not about. */
import { describe, expect, test, vi } from 'vitest';
import { headlineIds, lessonIds, notPassed, play } from '../support/lessons.ts';

vi.setConfig({ testTimeout: 30_000 });

describe.each(['v1', 'v1-aggressive'] as const)('--ike %s', (ike) => {
  test.each(headlineIds.flatMap((id) => [1, 7, 4242].map((seed) => [id, seed] as const)))('%s with seed %i', async (id, seed) => {
    const result = await play(id, { seed }, { ike });
    expect(notPassed(result)).toEqual([]);
    expect(result.verdict).toBe('pass');
    expect(result.acts.filter(({ act }) => !act.keepsIke).flatMap(({ trace }) => trace.of('isakmp-keys')).length).toBeGreaterThan(0);
  });

  test.each(lessonIds.filter((id) => !headlineIds.includes(id)))('%s', async (id) => {
    expect(notPassed(await play(id, {}, { ike }))).toEqual([]);
  });
});
