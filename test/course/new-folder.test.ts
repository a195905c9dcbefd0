/** Never a file of anybody else's: where the course is written, and what is left of it when it is not finished. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { newFolder } from '../../lab/course/new-folder.ts';

function place(): string {
  const path = mkdtempSync(join(tmpdir(), 'natt-lab-folder-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const fill = (path: string, keep: boolean): void => {
  using folder = newFolder(path);
  folder.makeFolder('reports');
  expect(folder.write('reports/é.html', 'é')).toBe(2);
  if (keep) folder.keep();
};

test('is made with the folders above it, and holds what was written', () => {
  const home = place();
  fill(join(home, 'a', 'b'), true);
  expect(readFileSync(join(home, 'a/b/reports/é.html'), 'utf8')).toBe('é');
});

test('is gone, with the folders made for it, when it was not finished', () => {
  const home = place();
  fill(join(home, 'a', 'b'), false);
  expect(readdirSync(home)).toEqual([]);
});

test('is as empty as before when it was there', () => {
  const home = place();
  fill(home, false);
  expect(readdirSync(home)).toEqual([]);
});

test('somebody else\'s file in it stays, whatever happens', () => {
  const home = place();
  const path = join(home, 'site');
  {
    using folder = newFolder(path);
    folder.write('index.html', 'ours');
    writeFileSync(join(path, 'notes.txt'), 'theirs');
    expect(() => folder.write('notes.txt', 'ours')).toThrow(/^cannot write the course into .*EEXIST/);
  }
  expect(readdirSync(path)).toEqual(['notes.txt']);
  expect(readFileSync(join(path, 'notes.txt'), 'utf8')).toBe('theirs');
});

test('one that holds something, a file, and one that cannot be made are refused with a sentence', () => {
  const home = place();
  mkdirSync(join(home, 'full'));
  writeFileSync(join(home, 'full', '.hidden'), '');
  expect(() => newFolder(join(home, 'full'))).toThrow(/full is not empty: \.hidden is there, and the course overwrites nothing\n {2}Name a folder that is new or empty\.$/);
  expect(() => newFolder(join(home, 'full', '.hidden'))).toThrow(/^cannot write the course into .*ENOTDIR/);
  expect(() => newFolder('/proc/course')).toThrow(/^cannot write the course into \/proc\/course: ENOENT/);
});
