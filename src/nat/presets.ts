/** The zoo: behaviours with a name, with where one meets them, and with who says so. `changes.ts` makes a box of one's own out of them. */
import type { NatPreset } from './behaviour.ts';
import { faults } from './zoo/faults.ts';
import { ipv6 } from './zoo/ipv6.ts';
import { passthrough } from './zoo/passthrough.ts';
import { systems } from './zoo/systems.ts';
import { textbook } from './zoo/textbook.ts';

export { changed, type BehaviourChanges } from './changes.ts';

/** NAPT boxes, between IPv4 networks. */
export const presets: readonly NatPreset[] = [...textbook, ...systems, ...passthrough, ...faults];

/** The others. */
export const ipv6Presets: readonly NatPreset[] = ipv6;

/** Every box there is. */
export const zoo: readonly NatPreset[] = [...presets, ...ipv6Presets];

export const presetNamed = (name: string): NatPreset | undefined => zoo.find((preset) => preset.name === name);
