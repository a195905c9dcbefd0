/** `lab matrix` when something goes wrong: what is said, with which exit status, which results are written, what is left. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nothingLeft } from '../backends/linux/nothing-left.ts';
import { needs } from '../support/needs.ts';
import { onTerminal } from '../support/terminal.ts';
import { argvOf, lab, root } from './lab.ts';
import type { Said } from './lab.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'natt-lab-matrix-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(at(name), 'utf8');

interface Result {
  readonly cell: { readonly id: string; readonly kind: string; readonly command: string; readonly trace?: string };
}
const results = (text: string): readonly Result[] => JSON.parse(text) as Result[];

describe('a lesson of one\'s own that fails', () => {
  const again = `npm run lab -- grumbles --scenarios ${folder} --act only --nat symmetric --seed 9`;
  let said: Said;
  beforeAll(async () => {
    writeFileSync(at('grumbles.ts'), `
      import { claim, defineScenario } from ${JSON.stringify(`${root}lab/index.ts`)};
      export const grumbles = defineScenario({
        id: 'grumbles', title: 'It fails', teaches: 'What a failure looks like.', refs: [], parameters: {},
        acts: () => [{
          id: 'only', title: 'The only one', topology: 'home',
          play: (stage) => { console.log('and when it is played'); stage.step('Nothing'); return Promise.resolve(); },
          checks: () => [claim({ id: 'never', claim: 'Never, ever', expected: 'a wonder', ref: 'RFC 1149 §3' }, (trace) => ({ holds: false, observed: 'none', evidence: trace.of('step') }))],
        }],
      });
      export const hangs = { ...grumbles, id: 'hangs', acts: () => grumbles.acts({}).map((act) => ({ ...act, play: () => new Promise(() => undefined) })) };
    `);
    said = await lab(['matrix', '--scenarios', folder, '--scenario', 'grumbles,ah', '--nat', 'symmetric', '--seed', '9', '--bail', '--parallel', '1', '--json', at('wrong.json'), '--junit', at('wrong.xml'), '--traces', at('traces')], { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: at('summary.md') });
  });

  test('is judged by its own checks, for no oracle knows it, and ends the matrix with 1', () => {
    expect(said.status).toBe(1);
    expect(said.stdout).toMatch(/^3 cells: 1 came out otherwise than foreseen, 2 not played$/m);
    expect(results(read('wrong.json')).map(({ cell: { id, kind } }) => [id, kind])).toEqual([['grumbles/symmetric/own/sim', 'unforeseen']]);
  });

  test('tells the claim, what was expected, what was seen, the trace and the command that plays it again: at the terminal, in JUnit XML, to GitHub', () => {
    const trace = at('traces/grumbles.symmetric.own.sim.jsonl');
    for (const text of [said.stdout, read('wrong.xml')]) for (const part of ['only/never: Never, ever (RFC 1149 §3)', 'expected: a wonder', 'observed: none', `trace: ${trace}`, `again: ${again}`]) expect(text.replaceAll(/\s+/g, ' ')).toContain(part);
    expect(said.stdout).toMatch(/^::error title=grumbles behind symmetric%2C on sim::only\/never: Never, ever \(RFC 1149 §3\)%0Aexpected: a wonder%0A/m);
    expect(read('summary.md')).toContain(`\n${again}\n`);
    expect(results(read('wrong.json'))[0]!.cell).toMatchObject({ command: again, trace });
    expect(readFileSync(trace, 'utf8')).toContain('"kind":"step"');
  });

  test('and one that hangs is ended, with a command of its own; the others are played, and what they print is for standard error', async () => {
    const { stdout, stderr, status } = await lab(['matrix', '--scenarios', folder, '--scenario', 'hangs,grumbles', '--parallel', '1', '--timeout', '8 s', '--json', at('hung.json')]);
    const played = results(read('hung.json'));
    expect([played.map(({ cell: { kind } }) => kind), status]).toEqual([['overran', 'unforeseen'], 1]);
    expect(stdout).toContain('it was ended after 8 s; --timeout gives each cell more');
    expect(stderr).toBe('and when it is played\n');
    expect(played[0]!.cell.command).toBe(`npm run lab -- hangs --scenarios ${folder} --act only --seed 1`);
  });
});

test('a matrix file with an unknown preset is told off with file, line and column', async () => {
  writeFileSync(at('wrong.yaml'), 'scenario: [ah]\nnat:\n  - own\n  - linux-maskerade\n');
  const { stdout, stderr, status } = await lab(['matrix', '--file', at('wrong.yaml')]);
  expect([stdout, stderr, status]).toEqual(['', `lab: ${at('wrong.yaml')}:4:5: nat.1: no NAT preset "linux-maskerade"; did you mean "linux-masquerade"?\n`, 2]);
});

test('a full disk costs what was to be written there, and neither the run nor the other files', async () => {
  const { stdout, stderr, status } = await lab(['matrix', '--scenario', 'ah', '--junit', '/dev/full', '--html', '/dev/full', '--json', at('whole.json')], { GITHUB_STEP_SUMMARY: '/dev/full' });
  expect(stdout).toContain('1 cell: 1 works');
  expect(stderr).toMatch(/^lab: (cannot write \/dev\/full: .*no space left.*\n\s*){3}$/);
  expect([status, results(read('whole.json')).length]).toEqual([2, 1]);
});

describe('on a terminal', () => {
  const command = (...words: readonly string[]): readonly string[] => [process.execPath, ...argvOf('matrix', ...words, '--no-color')];

  test('one line tells how far it is; Ctrl-C leaves with the cells that were played, and 130', async () => {
    const { said, status } = await onTerminal(command('--scenario', 'port-float,keepalive', '--nat', 'all', '--parallel', '1', '--json', at('cut.json')), [['G2/', '\x03']], { cwd: root });
    const progress = said.slice(0, said.indexOf('^C'));
    expect(progress).toMatch(/^(\x1b\[2K\x1b\[1G\d\/\d+ {2}[\w/,. -]*)+$/);
    expect(said).toMatch(/^\d+ cells: .*\d+ not played/m);
    expect([status, results(read('cut.json')).length >= 2]).toEqual([130, true]);
  });

  needs('user namespaces', 'koffi', 'nft', 'tun').test('a second Ctrl-C does not wait for the network to be taken down: the results are there, and nothing is left', async () => {
    const mark = `natt-lab-test-${randomUUID()}`;
    const { status } = await onTerminal(command('--scenario', 'port-float,keepalive', '--backend', 'netns', '--json', at('cut-twice.json')), [['1/2  keepalive', '\x03'], ['1 not played', '\x03']], { cwd: root, env: { ...process.env, MARK: mark } });
    expect([status, results(read('cut-twice.json')).map(({ cell: { id } }) => id)]).toEqual([130, ['port-float/own/own/netns']]);
    await nothingLeft(mark);
  });
});
