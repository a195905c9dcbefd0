/** What is left on the machine of programs that were started with a mark of their own in the environment. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { expect } from 'vitest';

/** The processes that have the mark in their environment. The inner one of a lab is process 1 of its own namespace. */
export function processesOf(mark: string): { readonly pid: number; readonly inner: boolean; readonly command: string }[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) return [];
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      if (/^State:\s*Z/m.test(status)) return [];
      return [{ pid: Number(pid), inner: /^NSpid:\s*\d+\s+1$/m.test(status), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') }];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

/** Waits until there is none of it left, ten seconds at most. */
export async function eventually(what: string, left: () => readonly unknown[]): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (left().length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(left(), what).toEqual([]);
}

const leftInTemporaryFolders = (mark: string): string[] => ['/tmp', '/dev/shm', '/var/tmp', '/run'].flatMap((folder) => readdirSync(folder).filter((name) => name.includes(mark)));

/** Nothing of it is left: no process, no file, no mount. What processes there are after all go when that has been found out. */
export async function nothingLeft(mark: string): Promise<void> {
  try {
    await eventually('processes', () => processesOf(mark));
  } finally {
    spawnSync('kill', ['-KILL', ...processesOf(mark).map(({ pid }) => String(pid))]); // some end with others before it is their turn
  }
  expect(leftInTemporaryFolders(mark)).toEqual([]);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toMatch(/^natt-lab /m);
}
