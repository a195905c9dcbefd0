/** A behaviour with the knobs turned that a file names. */
import { changed } from '../../src/nat/changes.ts';
import type { BehaviourChanges } from '../../src/nat/changes.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import { contradictions } from '../../src/nat/contradictions.ts';
import { Problem } from '../problem.ts';
import type { Locate } from '../yaml-file.ts';
import type { Knobs } from './schema.ts';

/** One that no box can have is refused, with the knob that was turned last and least. `locate` knows where a knob stands in the file. */
export function turned(base: NatBehaviour, knobs: Knobs = {}, locate: Locate): NatBehaviour {
  const behaviour = changed(base, given(knobs));
  const [contradiction] = contradictions(behaviour);
  if (contradiction === undefined) return behaviour;
  const { knobs: involved, reason } = contradiction;
  const last = involved.find((knob) => isTurned(knobs, knob.split('.'))) ?? involved[0]!;
  throw new Problem(`${locate(last.split('.'))}: ${involved.join(' and ')}: ${reason}`);
}

const isTurned = (knobs: object, [first = '', ...rest]: readonly string[]): boolean => {
  const value = (knobs as Record<string, unknown>)[first];
  return rest.length === 0 || typeof value !== 'object' || value === null ? value !== undefined : isTurned(value, rest);
};

/** The knobs that were turned, in full depth: what was left undefined is not there. */
const given = (knobs: Knobs): BehaviourChanges => JSON.parse(JSON.stringify(knobs)) as BehaviourChanges;
