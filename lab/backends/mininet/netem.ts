import { spawnSync } from 'node:child_process';
import { unshareCommand } from '../linux/isolation.ts';

let answer: boolean | undefined;

/** Whether the kernel's links can be made slow and lossy (tc-netem(8)), found out by trying. */
export function hasNetem(): boolean {
  const [unshare = '', ...argv] = unshareCommand();
  return (answer ??= spawnSync(unshare, [...argv, 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'], { stdio: 'ignore', timeout: 20_000, env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` } }).status === 0);
}
