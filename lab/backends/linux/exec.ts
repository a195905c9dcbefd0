import { constants } from 'node:os';
import type { ExecOptions, Exit } from '../backend.ts';
import type { NetworkNamespace } from './namespace.ts';

/**
 * Runs a program in a namespace to its end, or until the signal kills it and what it has started. One that cannot be started has status 127, one that signal n ended
 * 128 + n, as a shell says it.
 */
export function execInside(namespace: NetworkNamespace, [program = '', ...argv]: readonly string[], { signal, hear }: ExecOptions = {}): Promise<Exit> {
  const child = namespace.spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  // Detached, it leads a group of processes: its children hold its output open and would keep us waiting for them.
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  };
  if (signal?.aborted) kill();
  signal?.addEventListener('abort', kill);
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
      hear?.(text);
    });
  }
  return new Promise<Exit>((resolve) => {
    child.on('error', (error) => resolve({ status: 127, ...said, stderr: error.message }));
    child.on('close', (status, ending) => resolve({ status: status ?? 128 + constants.signals[ending!], ...said }));
  }).finally(() => signal?.removeEventListener('abort', kill));
}
