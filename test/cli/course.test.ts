/** `lab course`: a dialogue, and what is kept of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test, vi } from 'vitest';
import { syllabus } from '../../lab/course/syllabus.ts';
import { endingWithUs } from '../support/ends-with-us.ts';
import { needs } from '../support/needs.ts';
import { argvOf, lab, root } from './lab.ts';

vi.setConfig({ testTimeout: 60_000 });

function learner(): (answers: string, ...words: string[]) => Promise<{ status: number | undefined; stdout: string; stderr: string }> {
  const state = mkdtempSync(join(tmpdir(), 'natt-lab-course-'));
  onTestFinished(() => rmSync(state, { recursive: true }));
  return async (input, ...words) => {
    const { exitCode: status, stdout, stderr } = await execa(...endingWithUs(process.execPath, ...argvOf('course', ...words)), { cwd: root, input, reject: false, env: { XDG_STATE_HOME: state, COLUMNS: '80' } });
    return { status, stdout, stderr };
  };
}

const right = syllabus.map(({ choices }) => choices.find(({ isRight }) => isRight)!.letter);
const wrong = syllabus.map(({ choices }) => choices.find(({ isRight }) => !isRight)!.letter);

test('asks, shows, answers, keeps the outcome, and goes on there next time', async () => {
  const course = learner();
  const first = await course(`maybe\n${right[0]!}\n\n${wrong[1]!}\nq\n`);
  expect(first.stdout).toContain('"maybe" is none of a, b and c.');
  expect(first.stdout).toContain(`You said ${right[0]!}, and so it is.`);
  expect(first.stdout).toMatch(new RegExp(`You said ${wrong[1]!}\\.\\n${right[1]!} {2}`));
  expect(first.stdout).toMatch(/2 lessons of \d+ done, 1 of 2 predictions right\. The course goes on here next time\.\n?$/);
  expect(first).toMatchObject({ status: 0, stderr: '' });

  const next = await course('');
  expect(next.stdout).toContain(`lesson 3 of ${syllabus.length}`);
  expect(next.stdout).toContain('2 lessons of');

  const { stdout } = await course('', '--list');
  expect(stdout).toContain(`  ✓  1  ${syllabus[0]!.scenario.id}:`);
  expect(stdout).toContain(`  ✗  2  ${syllabus[1]!.scenario.id}:`);
  expect(stdout).toContain(`     3  ${syllabus[2]!.scenario.id}:`);
  expect((await course('', '--list', '--restart')).stdout).toContain('0 lessons of');
});

test('begins at a lesson that is named, and takes no prediction for an answer', async () => {
  const { stdout } = await learner()('\nq\n', 'fragments');
  expect(stdout).toContain(syllabus.find(({ scenario }) => scenario.id === 'fragments')!.question.asks.split(' ').slice(0, 6).join(' '));
  expect(stdout).toContain('1 lesson of');
  expect(stdout).toContain('0 of 0 predictions right');
});

test('refuses a lesson that there is not, and a progress that it cannot read', async () => {
  const course = learner();
  expect(await course('', 'fragmnts')).toMatchObject({ status: 2, stderr: `lab: no lesson "fragmnts"; did you mean "fragments"?\n  A number from 1 to ${syllabus.length} does as well.` });
  const state = mkdtempSync(join(tmpdir(), 'natt-lab-course-'));
  onTestFinished(() => rmSync(state, { recursive: true }));
  mkdirSync(join(state, 'natt-lab'));
  writeFileSync(join(state, 'natt-lab', 'course.json'), '{"detection": "perhaps"}');
  const { exitCode, stderr } = await execa(...endingWithUs(process.execPath, ...argvOf('course')), { cwd: root, reject: false, input: '', env: { XDG_STATE_HOME: state } });
  expect(stderr).toBe(`lab: ${join(state, 'natt-lab', 'course.json')} holds no progress of a course; lab course --restart writes it anew`);
  expect(exitCode).toBe(2);
});

test('--export writes no part of the course, and knows no learner', async () => {
  expect(await lab(['course', 'ah', '--export', '/nowhere'])).toEqual({ status: 2, stdout: '', stderr: 'lab: --export writes the whole course, and knows no learner: leave the other words out\n' });
});

test('Ctrl-C leaves nothing of an export behind', async () => {
  const home = mkdtempSync(join(tmpdir(), 'natt-lab-course-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const site = join(home, 'site');
  const child = spawn(...endingWithUs(process.execPath, ...argvOf('course', '--export', site)), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stderr, wasThere] = ['', false];
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.once('data', () => {
    wasThere = existsSync(join(site, 'reports'));
    child.kill('SIGINT');
  });
  expect(await once(child, 'close')).toEqual([130, null]);
  expect(stderr).toBe(`interrupted: nothing was left in ${site}\n`);
  expect([wasThere, existsSync(site)]).toEqual([true, false]);
});

needs('user namespaces').test('a full disk ends an export with a sentence, and nothing is left', async () => {
  const inside = 'mount -t tmpfs -o size=64k tmpfs /mnt && "$@"; echo "status $?"; ls -A /mnt';
  const { stdout, stderr } = await execa(...endingWithUs('unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', inside, 'sh', process.execPath, ...argvOf('course', '--export', '/mnt/site')), { cwd: root });
  expect(stdout).toBe('status 2');
  expect(stderr).toBe('lab: cannot write the course into /mnt/site: ENOSPC: no space left on device, write');
});
