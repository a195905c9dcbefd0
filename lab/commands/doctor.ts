import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { backendNames } from '../backends/backend.ts';
import type { BackendName, Capabilities, Requirement } from '../backends/backend.ts';
import { loadBackend } from '../backends/index.ts';
import { aptGet, mustBeDebian } from '../debian.ts';
import { Problem } from '../problem.ts';
import { sign, themeFor } from '../report/theme.ts';

export interface DoctorCommandLine {
  readonly json?: true;
  readonly install?: true;
  readonly yes?: true;
}

type People = typeof process.stdout | typeof process.stderr;
type Report = Capabilities & { readonly backend: BackendName };

/** Always 0, unless packages that were wanted cannot be had: it tells, it does not judge. */
export async function doctor({ json, install, yes }: DoctorCommandLine): Promise<number> {
  if (yes && !install) throw new Problem('--yes answers what --install asks; say --install as well');
  let reports = await examine();
  if (install && (await installMissing(reports, { unasked: yes === true, people: json ? process.stderr : process.stdout }))) reports = await examine();
  if (json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
  else tell(reports);
  return 0;
}

const examine = (): Promise<readonly Report[]> => Promise.all(backendNames.map(async (backend) => ({ backend, ...(await (await loadBackend(backend)).probe()) })));

/** What is there is said once, by the first backend that wants it; what is missing by each. */
function tell(reports: readonly Report[]): void {
  const theme = themeFor(process.stdout, true);
  const told = new Map<string, BackendName>();
  for (const { backend, usable, requirements } of reports) {
    console.log(`${sign(theme, usable ? 'pass' : 'fail')} ${theme.strong(backend)}  ${usable ? 'works here' : 'cannot run here'}`);
    const toldBy = ({ name, present, detail }: Requirement): BackendName | undefined => (present ? told.get(`${name}: ${detail}`) : undefined);
    for (const other of new Set(told.values())) {
      const shared = requirements.filter((one) => toldBy(one) === other);
      if (shared.length > 0) console.log(`    ${sign(theme, 'pass')} as for ${other}: ${shared.map(({ name }) => name).join(', ')}`);
    }
    for (const { name, present, detail, remedy } of requirements.filter((one) => toldBy(one) === undefined)) {
      told.set(`${name}: ${detail}`, backend);
      console.log(`    ${sign(theme, present ? 'pass' : 'fail')} ${name}: ${detail}`);
      if (!present && remedy !== undefined) console.log(`        get it with: ${remedy}`);
    }
  }
}

/** Shows the one command that gets all that is missing, asks, runs it; whether it ran. */
async function installMissing(reports: readonly Report[], { unasked, people }: { unasked: boolean; people: People }): Promise<boolean> {
  const packages = [...new Set(reports.flatMap(({ requirements }) => requirements.flatMap((one) => (one.present ? [] : (one.packages ?? [])))))].sort();
  if (packages.length === 0) {
    people.write('There is no package to install: what is missing, if anything, comes from elsewhere.\n\n');
    return false;
  }
  mustBeDebian(osRelease(), packages);
  const [program = '', ...argv] = aptGet(packages, process.getuid?.() === 0);
  people.write(`What is missing comes with this command:\n  ${[program, ...argv].join(' ')}\n`);
  if (!unasked && !(await agreed(people))) {
    people.write('\nNothing was installed.\n\n');
    return false;
  }
  const { status, error } = spawnSync(program, argv, { stdio: ['inherit', people.fd, 'inherit'] });
  if (error) throw new Problem(`cannot run ${program} (${error.message}): run the command above as root`, 3);
  if (status !== 0) throw new Problem(`apt-get ended with status ${status ?? 'unknown'}. A package that it cannot find may be in lists that are newer: ${[...(program === 'sudo' ? ['sudo'] : []), 'apt-get', 'update'].join(' ')}, then this again`, 3);
  people.write('\n');
  return true;
}

async function agreed(people: People): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Problem('nobody can be asked here, for standard input is no terminal: say --yes to run it', 2);
  const dialogue = createInterface({ input: process.stdin, output: people });
  try {
    // Ctrl-C breaks the question off, Ctrl-D in some versions of Node leaves it open for ever: neither is a yes.
    const answer = dialogue.question('Run it? [y/N] ').catch(() => '');
    return /^y(es)?$/i.test((await Promise.race([answer, once(dialogue, 'close').then(() => '')])).trim());
  } finally {
    dialogue.close();
  }
}

function osRelease(): string | undefined {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return undefined;
  }
}
