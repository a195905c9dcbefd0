/**
 * Network namespaces that have no name: each is held by a descriptor of this process alone, so that the kernel takes it down when the process
 * ends, in whatever way.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, SpawnOptions, SpawnSyncReturns } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { CLONE_NEWNET, O_CLOEXEC, O_RDONLY, syscalls } from './syscalls.ts';

// Not /proc/self: that is the main thread's, and setns moves the calling thread only.
const mine = '/proc/thread-self/ns/net';

/** The namespace that this thread is in, and the one that it started in. */
let here: number | undefined;

function current(): number {
  return (here ??= syscalls().open(mine, O_RDONLY | O_CLOEXEC));
}

/** A network namespace of this lab. Closing it lets the kernel take it down, once no socket and no process is left in it. */
export class NetworkNamespace {
  readonly fd: number;
  #closed = false;

  /** The descriptor is closed with it. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** A path that other processes of this user may open: for `nsenter --net=…`, `ip link set … netns …`. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`;
  }

  /**
   * Enters, runs, comes back. Sockets made, files under /proc/sys/net opened and processes started by `act` before it returns belong to the
   * namespace; what it does later does not: a promise that it returns was only started inside.
   */
  inside<Result>(act: () => Result): Result {
    const from = current();
    // Where the thread is there already nothing is asked of the kernel: entering takes CAP_SYS_ADMIN, being there does not.
    if (from === this.fd) return act();
    const { setns } = syscalls();
    setns(this.fd, CLONE_NEWNET);
    here = this.fd;
    try {
      return act();
    } finally {
      setns(from, CLONE_NEWNET);
      here = from;
    }
  }

  /** Starts a program inside. */
  spawn(program: string, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.inside(() => spawn(program, argv, options));
  }

  /** Runs a program inside to its end; `input` goes to its standard input. Throws when it fails, with what it said. */
  run(program: string, argv: readonly string[], input = ''): string {
    const result: SpawnSyncReturns<string> = this.inside(() => spawnSync(program, argv, { input, encoding: 'utf8', maxBuffer: 1 << 26 }));
    if (result.error) throw result.error;
    if (result.status !== 0) throw new Error(`${program} ${argv.join(' ')}: ${result.stderr.trim() || `exit status ${result.status ?? 'none'}`}`);
    return result.stdout;
  }

  /** Writes settings below /proc/sys/net, in order: `{ 'ipv4/ip_forward': 1 }`. */
  sysctls(settings: Readonly<Record<string, string | number>>): void {
    this.inside(() => {
      for (const [name, value] of Object.entries(settings)) writeFileSync(`/proc/sys/net/${name}`, String(value));
    });
  }

  readSysctl(name: string): string {
    return this.inside(() => readFileSync(`/proc/sys/net/${name}`, 'utf8')).trim();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    syscalls().close(this.fd);
  }
}

/** The namespace that this process is in. Nothing is needed to be there; it stays when it is closed. */
export const ownNamespace = (): NetworkNamespace => new OwnNamespace(current());

class OwnNamespace extends NetworkNamespace {
  override close(): void {
    // The way back from every other namespace leads through its descriptor.
  }
}

/** The namespace of another process of this lab. */
export const namespaceOf = (pid: number): NetworkNamespace => new NetworkNamespace(syscalls().open(`/proc/${pid}/ns/net`, O_RDONLY | O_CLOEXEC));

/** A new, empty namespace, its loopback down. Needs CAP_SYS_ADMIN in the user namespace that the process is in. */
export function createNamespace(): NetworkNamespace {
  const from = current();
  const { unshare, open, setns } = syscalls();
  unshare(CLONE_NEWNET);
  try {
    return new NetworkNamespace(open(mine, O_RDONLY | O_CLOEXEC));
  } finally {
    setns(from, CLONE_NEWNET);
  }
}
