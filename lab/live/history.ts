/** What was typed at the prompt, the last first, kept from one lab to the next. Whoever has no folder for it has no history, and is not told. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../state-folder.ts';

const file = (): string => join(stateFolder(), 'history');

export function loadHistory(): string[] {
  try {
    return readFileSync(file(), 'utf8').split('\n').filter((line) => line !== '');
  } catch {
    return [];
  }
}

export function saveHistory(lines: readonly string[]): void {
  try {
    mkdirSync(stateFolder(), { recursive: true, mode: 0o700 });
    writeFileSync(file(), lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  } catch {
    // see above
  }
}
