/** The command line as a child process, as people and programs run it. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { endingWithUs } from '../support/ends-with-us.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Said {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export const argvOf = (...words: readonly string[]): string[] => ['--import', 'tsx', `${root}lab/cli.ts`, ...words];

/** Runs `lab WORDS…` with its output in pipes; never throws for its exit status. */
export async function lab(words: readonly string[], env: Record<string, string> = {}, timeout = 60_000): Promise<Said> {
  const { exitCode, stdout, stderr } = await execa(...endingWithUs(process.execPath, ...argvOf(...words)), { cwd: root, reject: false, env: { COLUMNS: '100', ...env }, stdin: 'ignore', stripFinalNewline: false, timeout });
  return { status: exitCode, stdout, stderr };
}
