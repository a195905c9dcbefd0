/** Where the lines come from that drive a live lab: a person at a terminal, a script, or a pipe. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { Problem } from '../problem.ts';
import { whyUnreadable } from '../unreadable.ts';
import { loadHistory, saveHistory } from './history.ts';

/** What a line does; rejects with a Problem where the line is wrong. */
export type Act = (line: string) => Promise<void>;

export interface Script {
  /** For error messages: `demo.lab`, or `standard input`. */
  readonly name: string;
  readonly lines: readonly string[];
}

export function readScript(file: string): Script {
  try {
    return { name: file, lines: readFileSync(file, 'utf8').split(/\r?\n/) };
  } catch (error) {
    throw new Problem(`cannot read the script ${file}: ${whyUnreadable(error)}`);
  }
}

/** Runs one line after the other until one is wrong: that is a Problem with its number. Lines are shown as if they had been typed. */
export async function play({ name, lines }: Script, act: Act, { show, isOver }: { readonly show: (line: string) => void; readonly isOver: (line: string) => boolean }): Promise<void> {
  for (const [i, line] of lines.entries()) {
    if (isOver(line)) return;
    if (line.trim() === '') continue;
    show(line);
    try {
      await act(line);
    } catch (error) {
      throw error instanceof Problem ? new Problem(`${name}:${i + 1}: ${error.message}`, error.exitStatus) : error;
    }
  }
}

export interface Terminal {
  /** Writes above the line that is being typed. */
  say(text: string): void;
  /** Reads and runs lines until one is over, or Ctrl-D. Never rejects for a wrong line: that is said, and the next one asked for. */
  converse(act: Act, isOver: (line: string) => boolean): Promise<void>;
}

export interface TerminalOptions {
  readonly prompt: () => string;
  readonly complete: (line: string) => [candidates: string[], unfinished: string];
  /** Ctrl-C while a line is at work. */
  readonly breakOff: () => void;
  readonly complain: (text: string) => void;
}

export function terminal({ prompt, complete, breakOff, complain }: TerminalOptions): Terminal {
  let reader: Interface | undefined;
  let isTyping = false;
  const say = (text: string): void => {
    if (!isTyping) process.stdout.write(`${text}\n`);
    else {
      process.stdout.write(`\r\u001b[J${text}\n`);
      reader!.prompt(true);
    }
  };
  const converse = async (act: Act, isOver: (line: string) => boolean): Promise<void> => {
    const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: true, completer: complete, history: loadHistory(), historySize: 500, removeHistoryDuplicates: true });
    reader = lines;
    lines.on('history', saveHistory);
    lines.on('SIGINT', () => {
      if (!isTyping) breakOff();
      else if (lines.line === '') say('quit or Ctrl-D takes the lab down.');
      else {
        process.stdout.write('^C\n');
        lines.write(null, { ctrl: true, name: 'e' });
        lines.write(null, { ctrl: true, name: 'u' });
      }
    });
    const ask = (): void => {
      isTyping = true;
      lines.setPrompt(prompt());
      lines.prompt();
    };
    const waiting: string[] = [];
    let isBusy = false;
    await new Promise<void>((resolve, reject) => {
      const next = async (): Promise<void> => {
        isBusy = true;
        isTyping = false;
        for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) {
          if (isOver(line)) { lines.close(); return; }
          try {
            await act(line);
          } catch (error) {
            if (!(error instanceof Problem)) throw error;
            complain(error.message);
          }
        }
        isBusy = false;
        ask();
      };
      lines.on('line', (line) => {
        waiting.push(line);
        if (!isBusy) next().catch(reject);
      });
      lines.on('close', () => {
        if (isTyping) process.stdout.write('\n');
        isTyping = false;
        resolve();
      });
      ask();
    });
  };
  return { say, converse };
}
