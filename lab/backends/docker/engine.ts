/** The engine that DOCKER_HOST names, or the machine's own; what it says of itself, and what it says when it cannot be reached. */
import type { Socket } from 'node:net';
import Docker from 'dockerode';
import { Problem } from '../../problem.ts';

export interface Engine {
  readonly docker: Docker;
  readonly about: EngineFacts;
}

/** Of `docker info`. */
export interface EngineFacts {
  readonly version: string;
  readonly architecture: string;
  /** What keeps containers from what their capabilities would let them do: `seccomp`, `apparmor`, `selinux`. */
  readonly confinements: readonly string[];
}

/** As Docker's own programs have it, an empty DOCKER_HOST names none. */
const named = (): string | undefined => (process.env.DOCKER_HOST === '' ? undefined : process.env.DOCKER_HOST);

/** Where the engine is looked for, in words. */
export const where = (): string => named() ?? 'unix:///var/run/docker.sock';

/** No engine answers. */
export class NoEngine extends Problem {
  /** None is there where this machine's own would be, and none is named. */
  readonly isMissingHere: boolean;

  constructor({ code, message }: NodeJS.ErrnoException) {
    super(silence(code, message), 3);
    this.isMissingHere = named() === undefined && (code === 'ENOENT' || code === 'ECONNREFUSED');
  }
}

/** Throws a Problem where no engine answers. */
export async function reachEngine(): Promise<Engine> {
  const docker = connect();
  try {
    const { ServerVersion, Architecture, SecurityOptions, OSType } = (await within(10_000, docker.info())) as { ServerVersion: string; Architecture: string; SecurityOptions?: string[]; OSType: string };
    if (OSType !== 'linux') throw new Problem(`the Docker engine at ${where()} runs containers of ${OSType}; the lab needs those of Linux`, 3);
    const confinements = (SecurityOptions ?? []).flatMap((option) => /name=(\w+)/.exec(option)?.[1] ?? []);
    return { docker, about: { version: ServerVersion, architecture: Architecture, confinements } };
  } catch (error) {
    throw error instanceof Problem ? error : new NoEngine(error as NodeJS.ErrnoException);
  }
}

function connect(): Docker {
  try {
    const docker = new Docker();
    // dockerode takes what it cannot read for something else.
    if (!/^(unix|tcp|http|https|ssh|npipe):\/\/./.test(where())) throw new Error('no such scheme');
    return docker;
  } catch {
    throw new Problem(`DOCKER_HOST=${where()}: expected something such as unix:///var/run/docker.sock or tcp://192.0.2.1:2375`);
  }
}

function silence(code: string | undefined, message: string): string {
  const place = `no Docker engine answers at ${where()}`;
  if (code === 'EACCES') return `${place}: you may not use its socket; join the group docker, or run the lab as root`;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return `${place}: none is running there; start it, or name another one in DOCKER_HOST`;
  return `${place} (${code ?? message}); is DOCKER_HOST right?`;
}

/** An engine that is stopped takes connections and says nothing. */
async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`nothing within ${ms / 1000} s`)), ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The standard streams of a container, from now on: a connection of its own, which Docker's types know too little of. */
export const attached = async (container: Docker.Container): Promise<Socket> => (await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true })) as unknown as Socket;

/** What the engine answered instead of doing it. */
export const statusOf = (error: unknown): number | undefined => (error as { statusCode?: number } | undefined)?.statusCode;

/** Whether the engine could not be reached at all. */
export const isUnreachable = (error: unknown): boolean => statusOf(error) === undefined && ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');

/** Removing what is gone already, or just goes, is no failure. */
export async function removed(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
  }
}
