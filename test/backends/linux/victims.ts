/** Labs that are started to be killed: by whom, and which of their processes. */
import { spawnSync } from 'node:child_process';
import { processesOf } from './nothing-left.ts';

/** How to become nobody, with no capability at all. Where nobody may not read this checkout: root without its powers. */
export function asNobody(script: string): string[] {
  const nobody = ['setpriv', '--pdeathsig', 'KILL', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
  if (spawnSync(nobody[0]!, [...nobody.slice(1), 'test', '-r', script]).status === 0) return nobody;
  return ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all', '--'];
}

export type Victim = 'outer' | 'unshare' | 'inner';

/** The process of a lab that runs this script; undefined while it is not there. */
export function victimOf(mark: string, victim: Victim, script: string): number | undefined {
  const all = processesOf(mark);
  const inner = all.find((process) => process.inner && process.command.includes('settle-in'));
  if (victim === 'inner') return inner?.pid;
  if (victim === 'unshare') return all.find(({ command }) => /^(setpriv|unshare) /.test(command) && command.includes('settle-in'))?.pid;
  return all.find(({ command }) => command.includes(script) && !command.includes('settle-in'))?.pid;
}
