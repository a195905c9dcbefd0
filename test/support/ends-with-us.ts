/** A test's child processes end with the test, however that ends; `ends-with-vitest.ts` ends the test with vitest. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** By its whole path, for commands that get a PATH without it. */
const setpriv = (process.env.PATH ?? '').split(':').map((folder) => `${folder}/setpriv`).find((path) => existsSync(path));

/**
 * In front of a command whose process the kernel is to kill when the thread that starts it ends. Nothing where the machine has no `setpriv`. A change of user
 * undoes it (prctl(2), PR_SET_PDEATHSIG), so options that ask `setpriv` for one follow these.
 */
export const boundToUs: readonly string[] = setpriv !== undefined && spawnSync(setpriv, ['--pdeathsig', 'KILL', 'true']).status === 0 ? [setpriv, '--pdeathsig', 'KILL'] : [];

/** The command, as one that cannot outlive us. */
export const endingWithUs = (...command: readonly string[]): [program: string, argv: string[]] => {
  const [program = '', ...argv] = [...boundToUs, ...command];
  return [program, argv];
};
