import type { Exit } from '../backend.ts';
import type { NetworkNamespace } from './namespace.ts';

/** Runs a program in a namespace to its end. One that cannot be started has status 127, as a shell says it. */
export function execInside(namespace: NetworkNamespace, [program = '', ...argv]: readonly string[]): Promise<Exit> {
  const child = namespace.spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) child[stream]?.setEncoding('utf8').on('data', (text: string) => (said[stream] += text));
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ status: 127, ...said, stderr: error.message }));
    child.on('close', (status) => resolve({ status: status ?? 1, ...said }));
  });
}
