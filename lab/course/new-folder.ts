/** A folder that is filled once: new, or empty until now. What is not finished is taken away again, and nothing of anybody else's is touched. */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Problem } from '../problem.ts';

export interface NewFolder extends Disposable {
  makeFolder(name: string): void;
  /** In octets. Throws a Problem. */
  write(name: string, text: string): number;
  /** It is finished. Until then whatever ends the work, and be it the process, takes away what was written, and the folder if it was not there before. */
  keep(): void;
}

/** Throws a Problem where the folder holds something, or cannot be made. */
export function newFolder(path: string): NewFolder {
  const cannot = (error: unknown): Problem => new Problem(`cannot write the course into ${path}: ${error instanceof Error ? error.message : String(error)}`);
  const attempt = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw cannot(error);
    }
  };
  const files: string[] = [];
  const folders: string[] = [];
  const discard = (): void => {
    process.off('exit', discard);
    for (const file of files) rmSync(file, { force: true });
    for (const folder of folders.toReversed()) {
      try {
        rmdirSync(folder);
      } catch {
        return; // somebody has put something there
      }
    }
  };
  let isKept = false;
  process.on('exit', discard);
  const make = (folder: string): void => {
    attempt(() => mkdirSync(folder));
    folders.push(folder);
  };
  for (const folder of absent(resolve(path))) make(folder);
  const [found] = attempt(() => readdirSync(path));
  if (found !== undefined) throw new Problem(`${path} is not empty: ${found} is there, and the course overwrites nothing\n  Name a folder that is new or empty.`);
  return {
    makeFolder: (name) => make(join(path, name)),
    write: (name, text) => {
      const file = join(path, name);
      const descriptor = attempt(() => openSync(file, 'wx'));
      files.push(file);
      try {
        attempt(() => writeFileSync(descriptor, text));
      } finally {
        closeSync(descriptor);
      }
      return Buffer.byteLength(text);
    },
    keep: () => {
      isKept = true;
      process.off('exit', discard);
    },
    [Symbol.dispose]: () => {
      if (!isKept) discard();
    },
  };
}

/** The folders that have to be made, the outermost first. Node's own `recursive` never ends below /proc. */
const absent = (path: string): readonly string[] => (existsSync(path) ? [] : [...absent(dirname(path)), path]);
