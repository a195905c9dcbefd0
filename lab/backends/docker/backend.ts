/** Containers of a Docker engine, here or anywhere: the kernel's forwarding and NAT, real sockets, an agent of the lab in each node. */
import { existsSync } from 'node:fs';
import { Problem } from '../../problem.ts';
import type { Backend, Capabilities, Requirement } from '../backend.ts';
import { engineOf } from '../linux/box.ts';
import { rate } from '../linux/lab-clock.ts';
import { unsupportedOnLinux } from '../linux/unsupported.ts';
import { NoEngine, reachEngine, where } from './engine.ts';
import { DockerLab } from './lab.ts';

export const docker: Backend = {
  name: 'docker',
  clock: 'real',
  natEngines: ['kernel', 'machine'],
  natEngine: (box, choice) => engineOf(box, choice, rate),
  probe,
  unsupported: unsupportedOnLinux,
  open: (plan, options) => {
    if ((options.programs?.size ?? 0) > 0) throw new Problem('the probe\'s programs run in the lab\'s own process, and a container is another one: probe on --backend netns or sim', 3);
    return DockerLab.open(plan, options);
  },
};

async function probe(): Promise<Capabilities> {
  const about = { name: 'engine', purpose: 'a container a node' };
  try {
    const { about: { version, architecture } } = await reachEngine();
    return { usable: true, requirements: [{ name: about.name, present: true, detail: `Docker ${version}, ${architecture}, at ${where()} (${about.purpose})` }] };
  } catch (error) {
    return { usable: false, requirements: [{ name: about.name, present: false, detail: `${(error as Error).message} (${about.purpose})`, ...remedy(error) }] };
  }
}

/** To one that is named elsewhere, or that does not let us in, no package helps. */
function remedy(error: unknown): Pick<Requirement, 'remedy' | 'packages'> {
  if (!(error instanceof NoEngine && error.isMissingHere)) return {};
  const isInstalled = ['/usr/bin', '/usr/sbin', '/usr/local/bin'].some((folder) => existsSync(`${folder}/dockerd`));
  return isInstalled ? { remedy: 'sudo systemctl start docker' } : { remedy: 'sudo apt-get install docker.io', packages: ['docker.io'] };
}
