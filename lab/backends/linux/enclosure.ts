/** Where backends that change the machine's networks run, and what the machine needs for that. */
import { ownModule } from '../../own-modules.ts';
import { Problem } from '../../problem.ts';
import type { Backend, Capabilities, Requirement } from '../backend.ts';
import { isIsolated, runIsolated } from './isolation.ts';
import { probe } from './probe.ts';
import { NotPossibleHere } from './syscalls.ts';

const entry = ownModule('../../cli.ts', import.meta.url);

/** The lab's own command line, in namespaces that go with it. */
export const enclosure: NonNullable<Backend['enclosure']> = {
  isEntered: isIsolated,
  enter: async (argv) => {
    try {
      return await runIsolated(entry, argv);
    } catch (error) {
      throw error instanceof NotPossibleHere ? new Problem(error.message, 3) : error;
    }
  },
};

interface Needs {
  /** Useful to a person at the keyboard; this backend does without. */
  readonly dispensable: readonly string[];
  /** What it needs besides, all of it. */
  readonly besides?: () => readonly Requirement[];
}

/** What Linux backends need, and what this one needs besides. */
export function capabilities({ dispensable, besides = () => [] }: Needs): Capabilities {
  // Inside, what was found outside still holds.
  if (isIsolated()) return { usable: true, requirements: [] };
  const common = probe().map(({ what, purpose, ok, detail, remedy }): Requirement => ({
    name: what,
    present: ok,
    detail: `${detail} (${purpose})`,
    ...(remedy && { remedy: remedy.command }),
    ...(remedy?.package !== undefined && { packages: [remedy.package] }),
  }));
  const own = besides();
  const usable = common.every(({ name, present }) => present || dispensable.includes(name)) && own.every(({ present }) => present);
  return { usable, requirements: [...common, ...own] };
}
