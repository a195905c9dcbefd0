/** A behaviour with some knobs turned: how presets are made of one another, and boxes of presets. */
import type { NatBehaviour } from './behaviour.ts';

/** Groups of knobs may be given in part; lists are taken whole. */
export type BehaviourChanges = Partial<Omit<NatBehaviour, KnobGroup>> & {
  readonly [Group in KnobGroup]?: Partial<NatBehaviour[Group]>;
};

type KnobGroup = 'pool' | 'ports' | 'tcp' | 'timeouts' | 'pinned';

export function changed(behaviour: NatBehaviour, changes: BehaviourChanges): NatBehaviour {
  return {
    ...behaviour,
    ...changes,
    pool: { ...behaviour.pool, ...changes.pool },
    ports: { ...behaviour.ports, ...changes.ports },
    tcp: { ...behaviour.tcp, ...changes.tcp },
    timeouts: { ...behaviour.timeouts, ...changes.timeouts },
    pinned: { ...behaviour.pinned, ...changes.pinned },
  };
}
