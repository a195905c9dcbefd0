/** What of a plan Linux cannot be made to do, in words for people. */
import type { Impairment, WorldPlan } from '../../../src/sim/plan.ts';
import type { NatEngineChoice, Unsupported } from '../backend.ts';
import { kernelBox } from './kernel-box.ts';
import { rate } from './lab-clock.ts';

/** What links may do to packets besides letting them take their time. */
export type Mischief = keyof Pick<Impairment, 'loss' | 'duplication' | 'reordering'>;

/** Latency is whatever the machine has; what would lose, double or overtake packets needs netem or the simulator. */
export const unsupportedOnLinux = (plan: WorldPlan, choice: NatEngineChoice): readonly Unsupported[] => [
  ...unsupportedBoxes(plan, choice),
  ...unsupportedMischief(plan, () => 'a namespace\'s links lose, double and reorder nothing; run it on sim'),
];

/** Boxes that the kernel should be and cannot. */
export function unsupportedBoxes({ nodes }: WorldPlan, choice: NatEngineChoice): Unsupported[] {
  if (choice !== 'kernel') return [];
  return nodes.flatMap((node) => {
    if (node.kind !== 'nat') return [];
    const kernel = kernelBox(node, rate);
    return kernel.supported ? [] : kernel.unsupported.map(({ knob, reason }) => ({ what: `${node.name}: ${knob}`, why: explained(knob, reason) }));
  });
}

/** The kernel's whole seconds are the lab's multiples of the rate. */
const explained = (knob: string, reason: string): string =>
  knob.startsWith('timeouts.') && knob !== 'timeouts.repliedAfter' ? `${reason}, because the lab's time passes ${rate} times faster here: use a multiple of ${rate} s` : reason;

const mischief: readonly Mischief[] = ['loss', 'duplication', 'reordering'];

/** `whyNot` is asked only about what a plan wants; it gives undefined for what can be had. */
export const unsupportedMischief = ({ segments }: WorldPlan, whyNot: (knob: Mischief) => string | undefined): Unsupported[] =>
  segments.flatMap(({ name, impairment }) =>
    mischief.flatMap((knob) => {
      const why = impairment[knob] > 0 ? whyNot(knob) : undefined;
      return why === undefined ? [] : [{ what: `${name}: ${knob}`, why }];
    }),
  );
