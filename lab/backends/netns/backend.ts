/** Linux network namespaces: the kernel's forwarding and NAT, real sockets, every node in this one process. */
import type { SegmentPlan, WorldPlan } from '../../../src/sim/plan.ts';
import { Problem } from '../../problem.ts';
import type { Backend, Capabilities, Unsupported } from '../backend.ts';
import { engineOf } from './box.ts';
import { isIsolated, runIsolated } from './isolation.ts';
import { kernelBox } from './kernel-box.ts';
import { NamespaceLab, rate } from './lab.ts';
import { probe } from './probe.ts';
import { NotPossibleHere } from './syscalls.ts';

/** Useful to a person at the keyboard; the lab does without. */
const dispensable = new Set(['ip', 'conntrack']);

const entry = new URL('../../cli.ts', import.meta.url);

export const netns: Backend = {
  name: 'netns',
  clock: 'real',
  natEngines: ['kernel', 'machine'],
  natEngine: (box, choice) => engineOf(box, choice, rate),
  probe: () => Promise.resolve(capabilities()),
  unsupported: (plan, choice) => [...(choice === 'kernel' ? unsupportedBoxes(plan) : []), ...plan.segments.flatMap(unsupportedImpairments)],
  open: (plan, options) => Promise.resolve(new NamespaceLab(plan, options)),
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
  }));
  return { usable: requirements.every(({ name, present }) => present || dispensable.has(name)), requirements };
}

function unsupportedBoxes({ nodes }: WorldPlan): Unsupported[] {
  return nodes.flatMap((node) => {
    if (node.kind !== 'nat') return [];
    const kernel = kernelBox(node, rate);
    return kernel.supported ? [] : kernel.unsupported.map(({ knob, reason }) => ({ what: `${node.name}: ${knob}`, why: explained(knob, reason) }));
  });
}

/** The kernel's whole seconds are the lab's multiples of the rate. */
const explained = (knob: string, reason: string): string =>
  knob.startsWith('timeouts.') && knob !== 'timeouts.repliedAfter' ? `${reason}, because the lab's time passes ${rate} times faster here: use a multiple of ${rate} s` : reason;

/** Latency is whatever the machine has; what would lose, double or overtake packets needs netem or the simulator. */
const impairments = ['loss', 'duplication', 'reordering'] as const;

const unsupportedImpairments = ({ name, impairment }: SegmentPlan): Unsupported[] =>
  impairments.flatMap((knob) => (impairment[knob] > 0 ? [{ what: `${name}: ${knob}`, why: 'a namespace\'s links lose, double and reorder nothing; run it on sim' }] : []));
