/** A matrix that a repository keeps as a file: what it selects, and what is said when something in it is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ownCatalogue } from '../../lab/catalogue/catalogue.ts';
import { matrixJsonSchema, readMatrixFile, selectionOf } from '../../lab/matrix/file.ts';
import type { Said } from '../../lab/matrix/file.ts';
import { vocabularyOf } from '../../lab/matrix/vocabulary.ts';

const vocabulary = vocabularyOf(ownCatalogue);
const folder = mkdtempSync(join(tmpdir(), 'natt-lab-matrix-file-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'lab.matrix.yaml');
const read = (text: string) => {
  writeFileSync(file, text);
  return readMatrixFile(file, vocabulary);
};
const selected = (text: string, said: Said = {}) => selectionOf(read(text), said, vocabulary);

const text = `scenario: [headlines]
nat: [own, symmetric]
include:
  - { scenario: [ah], nat: [mikrotik], backend: [sim, netns] }
exclude:
  - { scenario: [keepalive] }
set: { clients: 5 }
seed: 7
`;

describe('the file', () => {
  test('says axes, in the words of the command line, and what to include and exclude', () => {
    expect(selected(text)).toEqual({
      scenario: ['detection', 'port-float', 'keepalive', 'multi-client', 'passthrough'],
      nat: ['own', 'symmetric'],
      ike: ['own'],
      backend: ['sim'],
      include: [{ scenario: ['ah'], nat: ['mikrotik'], ike: ['own'], backend: ['sim', 'netns'] }],
      exclude: [{ scenario: ['keepalive'] }],
    });
    expect(read(text)).toMatchObject({ set: { clients: 5 }, seed: 7 });
  });

  test('gives way to the command line, axis by axis; of what it includes besides, the part remains that was asked for', () => {
    const { scenario, nat, include } = selected(text, { scenario: ['ah'], backend: ['netns'] });
    expect([scenario, nat, include]).toEqual([['ah'], ['own', 'symmetric'], [{ scenario: ['ah'], nat: ['mikrotik'], ike: ['own'], backend: ['netns'] }]]);
  });

  test.each([
    ['nat: [own, simmetric]', ':1:12: nat.1: no NAT preset "simmetric"; did you mean "symmetric"?'],
    ['scenario:\n  - keepalive\n  - port-flaot', ':3:5: scenario.2: no scenario "port-flaot"; did you mean "port-float"?'.replace('.2', '.1')],
    ['exclude:\n  - { ike: [v3] }', ':2:13: exclude.0.ike.0: no version of IKE "v3"'],
    ['natt: [own]', ':1:1: unknown key "natt" in the matrix; did you mean "nat"?'],
    ['nat: [', ':1:7: '],
  ])('is told off with line, column and the nearest name: %s', (wrong, message) => {
    expect(() => read(wrong)).toThrow(message);
  });

  test('that is not there is a mistake when it was named', () => {
    expect(() => readMatrixFile(join(folder, 'nowhere.yaml'), vocabulary)).toThrow(/cannot read the matrix .*nowhere\.yaml: no such file/);
  });
});

test('the JSON Schema for editors knows every key and every name that the file may have', () => {
  const { properties } = matrixJsonSchema(vocabulary) as { properties: Record<string, { items?: { enum?: string[] } }> };
  expect(Object.keys(properties)).toEqual(['scenario', 'nat', 'ike', 'backend', 'set', 'seed', 'include', 'exclude']);
  expect(properties['nat']!.items!.enum).toEqual(['own', ...ownCatalogue.presets.map(({ name }) => name), 'all']);
  expect(properties['scenario']!.items!.enum).toEqual([...ownCatalogue.scenarios.map(({ id }) => id), 'all', 'headlines']);
});
