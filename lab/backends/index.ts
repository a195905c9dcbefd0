import { Problem } from '../problem.ts';
import { suggestion } from '../suggest.ts';
import { backendNames } from './backend.ts';
import type { Backend, BackendName } from './backend.ts';

/** Loaded when asked for: a run on the simulator needs nothing of the kernel's. */
const loaders: Record<BackendName, () => Promise<Backend>> = {
  sim: async () => (await import('./sim/backend.ts')).sim,
  netns: async () => (await import('./netns/backend.ts')).netns,
  mininet: async () => (await import('./mininet/backend.ts')).mininet,
  docker: async () => (await import('./docker/backend.ts')).docker,
};

export const isBackendName = (name: string): name is BackendName => (backendNames as readonly string[]).includes(name);

export function loadBackend(name: string): Promise<Backend> {
  if (!isBackendName(name)) throw new Problem(`no backend "${name}"; ${suggestion(name, backendNames)}`);
  return loaders[name]();
}
