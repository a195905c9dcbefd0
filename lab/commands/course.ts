/** `lab course`: the lessons in teaching order, with somebody who learns. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { newFolder } from '../course/new-folder.ts';
import { marks, standing } from '../course/outcome.ts';
import type { Outcome, Progress } from '../course/outcome.ts';
import { loadProgress, saveProgress } from '../course/progress.ts';
import { writeSite } from '../course/site.ts';
import { syllabus } from '../course/syllabus.ts';
import type { Lesson } from '../course/syllabus.ts';
import { teach } from '../course/teach.ts';
import type { Classroom } from '../course/teach.ts';
import { Problem } from '../problem.ts';
import { lineWidth, wrap } from '../report/text.ts';
import { themeFor } from '../report/theme.ts';
import type { Theme } from '../report/theme.ts';
import { chapters } from '../scenarios/scenario.ts';
import { suggestion } from '../suggest.ts';
import { interrupted, interruptible } from './interruption.ts';

export interface CourseCommandLine {
  readonly list?: true;
  readonly restart?: true;
  readonly export?: string;
  readonly color: boolean;
}

export async function course(from: string | undefined, { list, restart, export: folder, color }: CourseCommandLine): Promise<number> {
  if (folder !== undefined) {
    if (from !== undefined || list || restart) throw new Problem('--export writes the whole course, and knows no learner: leave the other words out');
    return exportCourse(folder);
  }
  const theme = themeFor(process.stdout, color);
  const first = from === undefined ? undefined : lessonNamed(from);
  if (restart) saveProgress({});
  let progress = loadProgress();
  if (list) {
    process.stdout.write(overview(progress, theme));
    return 0;
  }
  const ahead = first === undefined ? syllabus.filter(({ scenario }) => progress[scenario.id] === undefined) : syllabus.slice(first.number - 1);
  const { ask, leave } = learner();
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const room: Classroom = { theme, width: lineWidth(process.stdout, 100), write, ask };
  try {
    for (const [i, lesson] of ahead.entries()) {
      const outcome = await teach(lesson, room);
      if (outcome === undefined) break;
      progress = { ...progress, [lesson.scenario.id]: outcome };
      saveProgress(progress);
      if (i === ahead.length - 1) continue;
      const answer = await ask('\nEnter for the next lesson, q to stop: ');
      if (answer === undefined || answer.trim().toLowerCase() === 'q') break;
    }
  } finally {
    leave();
  }
  write('');
  write(summary(progress));
  return 0;
}

/** One lesson after the other, each with a line; a folder that is not finished is taken away again. */
async function exportCourse(path: string): Promise<number> {
  using folder = newFolder(path);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  return await interruptible(async (signal) => {
    let octets = 0;
    await writeSite(syllabus, folder, signal, ({ number, scenario }, size) => {
      octets += size;
      say(`${String(number).padStart(2)}/${syllabus.length}  ${scenario.id}: ${scenario.title}`);
    });
    if (signal.aborted) {
      process.stderr.write(`interrupted: nothing was left in ${path}\n`);
      return interrupted;
    }
    folder.keep();
    say('');
    say(wrap(`${syllabus.length} lessons, ${(octets / 1e6).toFixed(1)} MB. Open ${join(path, 'index.html')} in a browser: it needs no server, and asks the network for nothing.`, lineWidth(process.stdout, 100)));
    return 0;
  });
}

/** By the lesson's name, or its number. */
function lessonNamed(name: string): Lesson {
  const found = syllabus.find(({ scenario, number }) => scenario.id === name || String(number) === name);
  if (found === undefined) throw new Problem(`no lesson "${name}"; ${suggestion(name, syllabus.map(({ scenario }) => scenario.id))}\n  A number from 1 to ${syllabus.length} does as well.`);
  return found;
}

const markOf = (outcome: Outcome | undefined): string => (outcome === undefined ? ' ' : marks[outcome]);

function overview(progress: Progress, theme: Theme): string {
  const rows = chapters.map((chapter, i) => {
    const lessons = syllabus.filter((lesson) => lesson.chapter === chapter);
    return [theme.strong(`${i + 1}. ${chapter}`), ...lessons.map(({ scenario, number }) => `  ${markOf(progress[scenario.id])} ${String(number).padStart(2)}  ${scenario.id}: ${scenario.title}`)].join('\n');
  });
  return `${rows.join('\n')}\n\n${summary(progress)}\n`;
}

function summary(progress: Progress): string {
  const lessons = syllabus.map(({ scenario }) => scenario.id);
  return `${standing(progress, lessons)} ${lessons.every((id) => progress[id] !== undefined) ? 'That was the course; --restart begins it anew.' : 'The course goes on here next time.'}`;
}

/** Somebody at a terminal, or the lines of a pipe. */
function learner(): { readonly ask: Classroom['ask']; readonly leave: () => void } {
  const reader = createInterface({ input: process.stdin, output: process.stdout, terminal: process.stdin.isTTY && process.stdout.isTTY });
  const lines = reader[Symbol.asyncIterator]();
  reader.on('SIGINT', () => reader.close());
  return {
    ask: async (invitation) => {
      reader.setPrompt(invitation);
      reader.prompt();
      const line = await lines.next();
      if (line.done === true) process.stdout.write('\n');
      return line.done === true ? undefined : line.value;
    },
    leave: () => reader.close(),
  };
}
