import { describe, expect, test } from 'vitest';
import { choice, count, describeParameter, parseSettings } from '../../lab/scenarios/parameters.ts';
import { overall } from '../../lab/run.ts';
import type { Verdict } from '../../lab/checks/check.ts';

const parameters = { place: choice(['here', 'there'], 'here', 'where'), minutes: count(1, 60, { virtual: 60, real: 3 }, 'how long') };
const parsed = (...settings: string[]) => parseSettings('lesson', parameters, settings, 'virtual');

test('what is not set has its default, which may depend on whether time is real', () => {
  expect(parsed()).toEqual({ place: 'here', minutes: 60 });
  expect(parseSettings('lesson', parameters, [], 'real')).toEqual({ place: 'here', minutes: 3 });
});

test('numbers come out as numbers, and the last setting of a parameter holds', () => {
  expect(parsed('minutes=5', 'place=there', 'minutes=7')).toEqual({ place: 'there', minutes: 7 });
});

describe('refuses, and says what there is', () => {
  test.each([
    ['plaec=here', 'lesson has no parameter "plaec"; did you mean "place"?'],
    ['constructor=1', 'lesson has no parameter "constructor"; there are: place, minutes'],
    ['place=hare', '--set place=hare: no such value; did you mean "here"?'],
    ['place', '--set place: give it a value, such as --set place=here'],
    ['minutes=0', '--set minutes=0: expected a whole number from 1 to 60'],
    ['minutes=61', 'expected a whole number from 1 to 60'],
    ['minutes=1e1', 'expected a whole number'],
    ['minutes=', 'expected a whole number'],
    ['minutes=-5', 'expected a whole number'],
  ])('--set %s', (setting, message) => {
    expect(() => parsed(setting)).toThrow(message);
  });

  test('any setting of a lesson that has none', () => {
    expect(() => parseSettings('lesson', {}, ['x=1'], 'virtual')).toThrow('lesson has no parameters to set');
  });
});

test('a parameter is described with its default and what else there is', () => {
  expect(describeParameter(parameters.place)).toBe('here (here | there)');
  expect(describeParameter(parameters.minutes)).toContain('(1 … 60)');
});

describe('the verdict over several', () => {
  test.each([
    [['pass', 'pass'], 'pass'],
    [['pass', 'fail', 'inconclusive', 'unsupported'], 'fail'],
    [['pass', 'inconclusive', 'unsupported'], 'inconclusive'],
    [['pass', 'unsupported'], 'pass'],
    [['unsupported', 'unsupported'], 'unsupported'],
    [[], 'inconclusive'],
  ] satisfies [Verdict[], Verdict][])('of %j is %s', (verdicts, expected) => {
    expect(overall(verdicts.map((verdict) => ({ verdict })))).toBe(expected);
  });
});
