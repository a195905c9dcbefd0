/** The package from outside: packed, installed in an empty project, used there. */
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { root } from '../cli/lab.ts';
import type { Said } from '../cli/lab.ts';
import { needs } from '../support/needs.ts';
import { installedProject } from './project.ts';
import type { Project } from './project.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 300_000 });

let project: Project;
beforeAll(async () => {
  project = await installedProject();
});
afterAll(() => project[Symbol.dispose]());

const example = readFileSync(new URL('../readme/examples/natt/reboot.ts', import.meta.url), 'utf8').replace("'../../../../lab/index.ts'", "'natt-lab'");
const preset = readFileSync(new URL('../readme/examples/natt/presets/short-memory.yaml', import.meta.url), 'utf8');

describe('what is in it', () => {
  test('is what runs, and nothing of the tests, of the sources, of the tools', () => {
    expect(project.packed.filter((path) => !/^(package\.json|(topologies\/)?README\.md|test\/readme\/examples\/.*|dist\/((src|lab)\/.*\.(js|d\.ts)|topologies\/[a-z0-9-]+\.yaml|lab\/(backends\/(.*\.py|docker\/(Dockerfile|agent\.mjs))|(report\/html|course)\/page\.html)))$/.test(path))).toEqual([]);
    expect(project.packed).toContain('dist/topologies/home.yaml');
  });

  test('needs no TypeScript to run', () => expect(['tsx', 'esbuild', 'typescript'].filter((name) => existsSync(join(project.folder, 'node_modules', name)))).toEqual([]));

  test('is not published by accident', () => expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).toMatchObject({ private: true }));
});

describe('in an empty project', () => {
  test('npx natt-lab detection works', async () => {
    const { status, stdout, stderr } = await project.run('npx', '--offline', 'natt-lab', 'detection', '--quiet');
    expect(stdout).toMatch(/^detection: PASS/);
    expect([status, stderr]).toEqual([0, '']);
  });

  test('speaks of itself by the name that it is called by', async () => {
    const { status, stderr } = await project.run('natt-lab', 'detectoin');
    expect([status, stderr]).toEqual([2, 'natt-lab: no scenario or command "detectoin"; did you mean "detection"?\n']);
  });

  needs('user namespaces', 'koffi', 'nft', 'tun').test('and in namespaces', async () => {
    const { status, stdout, stderr } = await project.run('natt-lab', 'detection', '--backend', 'netns', '--set', 'position=initiator', '--quiet');
    expect(stdout).toMatch(/^detection: PASS.*netns/);
    expect([status, stderr]).toEqual([0, '']);
  });
});

needs('user namespaces', 'koffi', 'nft', 'tun').test('a matrix is played in threads and in processes of its own', async () => {
  const { status, stdout, stderr } = await project.run('natt-lab', 'matrix', '--scenario', 'detection', '--backend', 'sim,netns', '--nat', 'own,symmetric', '--quiet');
  expect(stdout).toMatch(/^4 cells: 4 work/);
  expect([status, stderr]).toEqual([0, '']);
});

describe('with lessons of the project\'s own', () => {
  test('plays those in JavaScript', async () => {
    project.write('lessons/reboot.mjs', example.replaceAll(/(\w)!/g, '$1'));
    project.write('lessons/presets/short-memory.yaml', preset);
    const { status, stdout, stderr } = await project.run('natt-lab', '--scenarios', 'lessons', '--nat', 'short-memory', '--quiet');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^reboot: PASS/);
  });

  test('reads TypeScript where Node.js does or the project has tsx, and else says what it takes', async () => {
    project.write('lessons-ts/reboot.ts', example);
    // As "npm init" leaves it: no ES modules.
    project.write('lessons-ts/package.json', '{}');
    const play = (): Promise<Said> => project.run('natt-lab', '--scenarios', 'lessons-ts', '--quiet');
    if (!('typescript' in process.features && process.features.typescript)) {
      const { status, stderr } = await play();
      expect([status, stderr]).toEqual([2, `natt-lab: lessons-ts/reboot.ts: Node.js ${process.version} does not read TypeScript: npm install --save-dev tsx, or take Node.js 22.18 or later, or write it as JavaScript\n`]);
      symlinkSync(join(root, 'node_modules/tsx'), join(project.folder, 'node_modules/tsx'));
    }
    const { status, stdout, stderr } = await play();
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^reboot: PASS/);
    const matrix = await project.run('natt-lab', 'matrix', '--scenarios', 'lessons-ts', '--scenario', 'reboot', '--quiet');
    expect([matrix.status, matrix.stdout, matrix.stderr]).toEqual([0, '1 cell: 1 works\n', '']);
  });
});

describe('as a library', () => {
  test('its declarations compile, and hold a lesson of one\'s own to its types', async () => {
    project.write('natt/reboot.ts', example);
    project.write('natt/wrong.ts', example.replace("topology: 'home'", 'topology: 4').replace('reboot = ', 'wrong = '));
    expect(await project.typeErrors()).toMatch(/^natt\/wrong\.ts\(\d+,\d+\): error TS2322: Type 'number' is not assignable to type 'string'\.$/);
  });

  test('plays it', async () => {
    project.write('play.mjs', `
      import { claim, defineScenario, runScenario, sim, toJson } from 'natt-lab';
      const lesson = defineScenario({
        id: 'mine', title: 'Mine', teaches: 'That it runs.', refs: [], parameters: {},
        acts: () => [{ id: 'only', title: 'Only', topology: 'home', play: async (stage) => stage.step('Nothing'), checks: () => [claim({ id: 'told', claim: 'It was told', expected: 'a step' }, (trace) => ({ holds: trace.of('step').length === 1, observed: 'a step', evidence: trace.of('step') }))] }],
      });
      console.log(JSON.stringify(toJson(await runScenario(lesson, { backend: sim }))));
    `);
    const { stdout, stderr } = await project.run('node', 'play.mjs');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ scenario: 'mine', verdict: 'pass', seed: 1, checks: [{ id: 'only/told', verdict: 'pass' }] });
  });
});
