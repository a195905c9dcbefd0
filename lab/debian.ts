/** The package manager of Debian, Ubuntu and what is made of them. */
import { programName } from './own-modules.ts';
import { Problem } from './problem.ts';

/** The one line that installs packages; `sudo` where the caller is not root. */
export const aptGet = (packages: readonly string[], isRoot: boolean): readonly string[] => [...(isRoot ? [] : ['sudo']), 'apt-get', 'install', '--yes', '--no-install-recommends', ...packages];

/** Throws a Problem that says what to do where `osRelease`, the text of /etc/os-release, tells of another system; undefined where there is no such file. */
export function mustBeDebian(osRelease: string | undefined, packages: readonly string[]): void {
  const { ID = '', ID_LIKE = '', PRETTY_NAME = ID } = fieldsOf(osRelease ?? '');
  if ([ID, ...ID_LIKE.split(' ')].some((id) => id === 'debian' || id === 'ubuntu')) return;
  const here = PRETTY_NAME === '' ? process.platform : PRETTY_NAME;
  throw new Problem(`--install knows the packages of Debian and Ubuntu, and this is ${here}. There they are called ${packages.join(', ')}: install what ${here} calls so, then ask "${programName} doctor" again`, 3);
}

/** os-release(5): a variable a line, its value in quotes or not. */
const fieldsOf = (text: string): Partial<Record<string, string>> => Object.fromEntries([...text.matchAll(/^([A-Z_]+)=(["']?)(.*)\2$/gm)].map(([, name, , value]) => [name!, value!]));
