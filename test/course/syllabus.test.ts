/** The course says nothing that its lessons do not prove. */
import { describe, expect, test } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { ownCatalogue } from '../../lab/catalogue/catalogue.ts';
import { commandNames } from '../../lab/command-names.ts';
import { questions } from '../../lab/course/questions.ts';
import { letters, syllabus } from '../../lab/course/syllabus.ts';
import { runScenario } from '../../lab/run.ts';
import { scenarios } from '../../lab/scenarios/index.ts';
import { parseSettings } from '../../lab/scenarios/parameters.ts';
import { chapters } from '../../lab/scenarios/scenario.ts';
import { presetOn } from '../../lab/topology/shelf.ts';

test('every lesson of the lab has its place and its question, and no other is there', () => {
  expect(Object.keys(questions).sort()).toEqual(scenarios.map(({ id }) => id).sort());
  expect(syllabus.map(({ scenario }) => scenario.id).sort()).toEqual(scenarios.map(({ id }) => id).sort());
  expect(syllabus.map(({ number }) => number)).toEqual(scenarios.map((_, i) => i + 1));
  expect(chapters.filter((chapter) => !syllabus.some((lesson) => lesson.chapter === chapter))).toEqual([]);
});

test('the letter of the right answer cannot be guessed', () => {
  for (const letter of letters) {
    const times = syllabus.filter(({ choices }) => choices.find(({ isRight }) => isRight)?.letter === letter).length;
    expect(times, letter).toBeGreaterThanOrEqual(Math.floor(syllabus.length / 4));
  }
  for (const { choices } of syllabus) expect(choices.filter(({ isRight }) => isRight)).toHaveLength(1);
});

describe.each(syllabus)('$scenario.id', ({ scenario, question }) => {
  const values = parseSettings(scenario.id, scenario.parameters, [], 'virtual');

  test('the act that it names bears out the answer', async () => {
    const act = scenario.acts(values).find(({ id }) => id === question.proof.split('/')[0]);
    const { acts: [played] } = await runScenario({ ...scenario, acts: () => [act!] }, { backend: sim, values, seed: 1 });
    expect(played!.checks.find(({ id }) => id === question.proof)).toMatchObject({ verdict: 'pass' });
  });

  test('asks a question, answers in sentences, and has three different choices', () => {
    expect(question.asks).toMatch(/^[A-Z][^]*\?$/);
    expect(question.because).toMatch(/^[A-Z][^]*\.$/);
    expect(new Set(question.choices).size).toBe(3);
    for (const choice of question.choices) expect(choice).toMatch(/^[A-Z].*[^.?]$/);
  });

  test('what there is to try can be typed', () => {
    const [first = '', ...rest] = question.tryIt;
    const command = ownCatalogue.scenarios.find(({ id }) => id === first);
    if (command === undefined) expect(commandNames).toContain(first);
    for (const [i, word] of rest.entries()) {
      const value = rest[i + 1];
      if (word === '--set') expect(() => parseSettings(command!.id, command!.parameters, [value!], 'virtual')).not.toThrow();
      else if (word === '--nat') expect(presetOn(ownCatalogue.presets, value!)).toBeDefined();
      else if (word.startsWith('--')) expect(['--explain', '--pcap', '--ike', '--scenario', '--act']).toContain(word);
    }
  });
});
