/**
 * The lab runs a second time, inside fresh network, mount and process namespaces, so that it can build what it likes and nothing of it is left
 * however it ends.
 *
 *     lab (outer) ── setpriv, then unshare ── lab (inner): process 1 of its namespace, root of its network
 *
 * Whichever of them is killed, the rest goes: the kernel kills unshare when the outer dies (pdeathsig), the inner when unshare dies
 * (--kill-child, and the inner asks for it again), and everything in a process namespace when its process 1 dies. Besides, the outer holds one end
 * of a life-line: the inner ends itself when it breaks. The namespaces have no names and the mounts are in them: they go with the last process.
 *
 * A user namespace is added where the caller lacks CAP_SYS_ADMIN, and only there. Root of the machine does not need it, works where user
 * namespaces are forbidden, keeps the other user ids (tcpdump and strongSwan want to become somebody else), and may have larger socket buffers.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { nodeOptions, ownModule } from '../../own-modules.ts';
import { NotPossibleHere, syscalls } from './syscalls.ts';

/**
 * The life-line's descriptor in the inner process. Downwards an octet is a signal's number, and its end is the end; upwards an octet is the
 * farewell of an inner process that ends of its own accord.
 */
export const lifeLine = 3;
const mark = 'NATT_LAB_ISOLATED';

/** Whether this process is the inner one. */
export const isIsolated = (): boolean => process.env[mark] === '1' && process.pid === 1;

/** `unshare` with its options for this caller. */
export function unshareCommand(): readonly string[] {
  return ['unshare', ...(hasSysAdmin() ? [] : ['--user', '--map-root-user']), '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
}

/** CAP_SYS_ADMIN, capability 21, in the user namespace that the process is in. */
export function hasSysAdmin(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> 21n) & 1n) === 1n;
}

/** Why namespaces cannot be made here, in a sentence that says what to do; undefined when they can. */
export function whyNotIsolated(): string | undefined {
  if (process.platform !== 'linux') return `network namespaces need Linux; this is ${process.platform}`;
  const [program = '', ...argv] = unshareCommand();
  const tried = spawnSync(program, [...argv, 'true'], { encoding: 'utf8', timeout: 20_000 });
  if (tried.error) return 'the programs unshare and setpriv are missing: apt-get install util-linux';
  return tried.status === 0 ? undefined : explainRefusal(tried.stderr.trim(), read);
}

/** The settings that forbid namespaces, most telling first. */
const settings: readonly (readonly [path: string, forbids: string, name: string, allow: string])[] = [
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'kernel.unprivileged_userns_clone', '1'],
  ['/proc/sys/user/max_user_namespaces', '0', 'user.max_user_namespaces', '15000'],
  ['/proc/sys/user/max_net_namespaces', '0', 'user.max_net_namespaces', '15000'],
  ['/proc/sys/kernel/apparmor_restrict_unprivileged_userns', '1', 'kernel.apparmor_restrict_unprivileged_userns', '0'],
];

/** Which setting stands in the way; `readFile` gives undefined for what is not there. */
export function explainRefusal(said: string, readFile: (path: string) => string | undefined): string {
  for (const [path, forbids, name, allow] of settings) {
    if (readFile(path)?.trim() === forbids) {
      return `this system forbids user namespaces (${name} is ${forbids}): sudo sysctl -w ${name}=${allow}, or run the lab as root`;
    }
  }
  return `this system does not let the lab make namespaces (${said}); in a container run it with --privileged, elsewhere as root`;
}

export interface IsolationOptions {
  /** Added to the environment of the inner process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs the TypeScript or JavaScript file `entry` in fresh namespaces and gives its exit status, 128 + n where signal n ended it. Standard
 * streams are the caller's own. The first SIGINT, SIGTERM or SIGHUP is handed on; a second one ends everything at once. Throws NotPossibleHere.
 */
export async function runIsolated(entry: URL | string, argv: readonly string[], { env = {} }: IsolationOptions = {}): Promise<number> {
  syscalls(); // says so here, and not in the inner process, when koffi is missing
  const obstacle = whyNotIsolated();
  if (obstacle !== undefined) throw new NotPossibleHere(obstacle);

  const script = typeof entry === 'string' ? entry : fileURLToPath(entry);
  const node = [process.execPath, ...nodeOptions(), '--import', ownModule('./settle-in.ts', import.meta.url).href, script, ...argv];
  const inner = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...unshareCommand(), ...node], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    // Threads: so many packet sockets are closed at once, which the kernel takes its time for.
    env: { ...process.env, UV_THREADPOOL_SIZE: '32', ...env, [mark]: '1' },
    // Its own session: a terminal's Ctrl-C reaches the outer process alone and is handed on exactly once.
    detached: true,
  });
  const line = inner.stdio[lifeLine] as Socket;
  // unshare gives status 1 for an inner process that was killed by SIGKILL; one that gives 1 itself says farewell first.
  let farewell = false;
  line.on('data', () => (farewell = true)).on('error', () => undefined);

  let signalled = false;
  let insisted: NodeJS.Signals | undefined;
  const handOn = (signal: NodeJS.Signals): void => {
    if (signalled && inner.pid !== undefined) {
      insisted = signal;
      process.kill(-inner.pid, 'SIGKILL');
    } else {
      signalled = true;
      line.write(Uint8Array.of(constants.signals[signal]));
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handOn);
  try {
    return await new Promise<number>((resolve, reject) => {
      inner.once('error', reject);
      inner.once('close', (code, signal) => resolve(farewell && code !== null ? code : 128 + constants.signals[insisted ?? signal ?? 'SIGKILL']));
    });
  } finally {
    for (const signal of signals) process.off(signal, handOn);
    line.destroy();
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
