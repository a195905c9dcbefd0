/** What of a plan Linux cannot be made to do, in words for people. */
import type { SegmentPlan, WorldPlan } from '../../../src/sim/plan.ts';
import type { NatEngineChoice, Unsupported } from '../backend.ts';
import { kernelBox } from './kernel-box.ts';
import { rate } from './lab-clock.ts';

export const unsupportedOnLinux = (plan: WorldPlan, choice: NatEngineChoice): readonly Unsupported[] => [
  ...(choice === 'kernel' ? unsupportedBoxes(plan) : []),
  ...plan.segments.flatMap(unsupportedImpairments),
];

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
