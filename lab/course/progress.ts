/** How far the learner has come, kept in the user's state folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { stateFolder } from '../state-folder.ts';
import { outcomes } from './outcome.ts';
import type { Progress } from './outcome.ts';

const schema = z.record(z.string(), z.enum(outcomes));
const file = (): string => join(stateFolder(), 'course.json');

/** Nothing where there is no file yet. Throws a Problem where the file is not ours to understand. */
export function loadProgress(): Progress {
  let text: string;
  try {
    text = readFileSync(file(), 'utf8');
  } catch {
    return {};
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new Problem(`${file()} holds no progress of a course; lab course --restart writes it anew`);
  }
}

export function saveProgress(progress: Progress): void {
  try {
    mkdirSync(stateFolder(), { recursive: true, mode: 0o700 });
    writeFileSync(file(), `${JSON.stringify(progress, null, 2)}\n`);
  } catch (error) {
    throw new Problem(`cannot keep the progress in ${file()}: ${(error as Error).message}\n  XDG_STATE_HOME names another folder.`);
  }
}
