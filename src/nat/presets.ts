/** The zoo: behaviours with a name, with where one meets them, and with who says so. `changes.ts` makes a box of one's own out of them. */
import type { NatPreset } from './behaviour.ts';
import { faults } from './zoo/faults.ts';
import { passthrough } from './zoo/passthrough.ts';
import { systems } from './zoo/systems.ts';
import { textbook } from './zoo/textbook.ts';

export { changed, type BehaviourChanges } from './changes.ts';

export const presets: readonly NatPreset[] = [...textbook, ...systems, ...passthrough, ...faults];

export const presetNamed = (name: string): NatPreset | undefined => presets.find((preset) => preset.name === name);
