/** Boxes of one's own: a YAML file each, a preset with some knobs turned. */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { Problem } from '../problem.ts';
import { suggestion } from '../suggest.ts';
import { turned } from '../topology/knobs.ts';
import { defaultPreset } from '../topology/plan.ts';
import { knobsSchema } from '../topology/schema.ts';
import { presetOn } from '../topology/shelf.ts';
import { parseYaml } from '../yaml-file.ts';
import { mustBeFree } from './soundness.ts';

const presetSchema = z.strictObject({
  title: z.string().min(1),
  /** What it is like, but for `behaviour`. */
  preset: z.string().default(defaultPreset),
  behaviour: knobsSchema.optional(),
  met: z.string().min(1).default('Nobody has said.'),
  sources: z.array(z.strictObject({ says: z.string().min(1), where: z.string().min(1) })).default([]),
  modelled: z.string().min(1).default('All of it, as far as nothing else is said.'),
});

/** Those that are there, and those of the folder, which may be made of one another. */
export function readPresets(folder: string, there: readonly NatPreset[]): readonly NatPreset[] {
  const names = readdirSync(folder).filter((file) => file.endsWith('.yaml')).map((file) => basename(file, '.yaml')).sort();
  const presets = [...there];
  const beingMade: string[] = [];
  const make = (name: string): NatPreset => {
    const file = join(folder, `${name}.yaml`);
    const { content: { title, preset: like, behaviour, ...about }, locate } = parseYaml(readFileSync(file, 'utf8'), presetSchema, file, 'the preset');
    if (beingMade.includes(like) || like === name) throw new Problem(`${locate(['preset'])}: ${name} would be made of itself: ${[...beingMade, name, like].join(', which is made of ')}`);
    beingMade.push(name);
    const base = presetOn(presets, like) ?? (names.includes(like) ? make(like) : undefined);
    if (base === undefined) throw new Problem(`${locate(['preset'])}: no preset "${like}"; ${suggestion(like, [...presets.map((one) => one.name), ...names])}`);
    if (base.ipv6 === 'nptv6' && behaviour !== undefined) throw new Problem(`${locate(['behaviour'])}: a prefix translator has no ports, no timers and no table, and none of their knobs`);
    beingMade.pop();
    const made = { name, title, ...about, ...(base.ipv6 && { ipv6: base.ipv6 }), behaviour: turned(base.behaviour, behaviour, (knob) => locate(['behaviour', ...knob])) };
    presets.push(made);
    return made;
  };
  for (const name of names) mustBeFree('NAT preset', name, there.map((one) => one.name), join(folder, `${name}.yaml`));
  for (const name of names) if (presetOn(presets, name) === undefined) make(name);
  return presets;
}
