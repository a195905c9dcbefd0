/** Linux network namespaces: the kernel's forwarding and NAT, real sockets, every node in this one process. */
import { ownModule } from '../../own-modules.ts';
import { Problem } from '../../problem.ts';
import type { Backend, Capabilities } from '../backend.ts';
import { engineOf } from '../linux/box.ts';
import { isIsolated, runIsolated } from '../linux/isolation.ts';
import { rate } from '../linux/lab-clock.ts';
import { probe } from '../linux/probe.ts';
import { NotPossibleHere } from '../linux/syscalls.ts';
import { unsupportedOnLinux } from '../linux/unsupported.ts';
import { openNamespaces } from './lab.ts';

/** Useful to a person at the keyboard; the lab does without. */
const dispensable = new Set(['ip', 'conntrack']);

const entry = ownModule('../../cli.ts', import.meta.url);

export const netns: Backend = {
  name: 'netns',
  clock: 'real',
  natEngines: ['kernel', 'machine'],
  natEngine: (box, choice) => engineOf(box, choice, rate),
  probe: () => Promise.resolve(capabilities()),
  unsupported: unsupportedOnLinux,
  open: (plan, options) => Promise.resolve(openNamespaces(plan, options)),
  enclosure: {
    isEntered: isIsolated,
    enter: async (argv) => {
      try {
        return await runIsolated(entry, argv);
      } catch (error) {
        throw error instanceof NotPossibleHere ? new Problem(error.message, 3) : error;
      }
    },
  },
};

function capabilities(): Capabilities {
  // Inside, what was found outside still holds.
  if (isIsolated()) return { usable: true, requirements: [] };
  const requirements = probe().map(({ what, purpose, ok, detail, remedy }) => ({
    name: what,
    present: ok,
    detail: `${detail} (${purpose})`,
    ...(remedy && { remedy: remedy.command }),
    ...(remedy?.package !== undefined && { packages: [remedy.package] }),
  }));
  return { usable: requirements.every(({ name, present }) => present || dispensable.has(name)), requirements };
}
