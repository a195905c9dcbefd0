/** Removes what runs have left that were killed, and nothing of one that lives: each holds a lease (run.ts). */
import { removeContainer, removeNetworks } from './containers.ts';
import type { Engine } from './engine.ts';
import { leaseLabel, runLabel } from './labels.ts';

export interface Cleaned {
  readonly runs: readonly string[];
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  /** Runs that live, and keep what they have. */
  readonly living: readonly string[];
}

/** A run that has made its lease and not started it yet gets there within this, or never. */
const startingSeconds = 60;

export async function clean({ docker }: Engine): Promise<Cleaned> {
  // Networks first: a run that begins meanwhile makes its lease before its networks, so one that is seen here has been there before.
  const networks = await docker.listNetworks({ filters: { label: [runLabel] } });
  const containers = await docker.listContainers({ all: true, filters: { label: [runLabel] } });
  const { SystemTime } = (await docker.info()) as { SystemTime: string };
  const now = Date.parse(SystemTime) / 1000;
  const living = new Set(
    containers.flatMap(({ Labels, State, Created }) => (leaseLabel in Labels && (State === 'running' || (State === 'created' && now - Created < startingSeconds)) ? [Labels[runLabel]!] : [])),
  );
  const left = containers.filter(({ Labels }) => !living.has(Labels[runLabel]!));
  const leftNetworks = networks.filter(({ Labels }) => !living.has(Labels?.[runLabel] ?? ''));
  await Promise.all(left.map(({ Id }) => removeContainer(docker.getContainer(Id))));
  await removeNetworks(leftNetworks.map(({ Id }) => docker.getNetwork(Id)));
  return {
    runs: [...new Set([...left, ...leftNetworks].map(({ Labels }) => Labels?.[runLabel] ?? ''))],
    containers: left.map(({ Names, Id }) => Names[0]?.replace(/^\//, '') ?? Id),
    networks: leftNetworks.map(({ Name }) => Name),
    living: [...living],
  };
}
