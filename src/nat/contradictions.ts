/** Knobs that no box can have together: said by name when a topology is loaded. */
import type { NatBehaviour } from './behaviour.ts';

export interface Contradiction {
  /** As in a topology's `behaviour`: `ports.blocks`. */
  readonly knobs: readonly string[];
  readonly reason: string;
}

type Rule = readonly [knobs: readonly string[], isBroken: (behaviour: NatBehaviour) => boolean, reason: string];

const portsIn = ({ range: [first, last] }: NatBehaviour['ports']): number => last - first + 1;

const rules: readonly Rule[] = [
  [['ports.range'], ({ ports }) => portsIn(ports) < 1, 'the range ends before it begins'],
  [['ports.blocks.size', 'ports.range'], ({ ports }) => ports.blocks !== false && ports.blocks.size > portsIn(ports), 'a block is larger than the whole range'],
  [['ports.blocks', 'ports.onConflict'], ({ ports }) => ports.blocks !== false && ports.assignment === 'preserve' && ports.onConflict !== 'another-port', 'whose ports come from a block cannot insist on keeping others'],
  [['pool.byRemotePort', 'pool.addresses'], ({ pool }) => Object.values(pool.byRemotePort).some((place) => place >= pool.addresses), 'there are not so many addresses; the first one is 0'],
];

/** In the order of the rules; none where such a box can be. */
export const contradictions = (behaviour: NatBehaviour): Contradiction[] => rules.flatMap(([knobs, isBroken, reason]) => (isBroken(behaviour) ? [{ knobs, reason }] : []));
