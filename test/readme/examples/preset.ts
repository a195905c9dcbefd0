import { seconds } from '../../../src/core/time.ts';
import type { NatPreset } from '../../../src/nat/behaviour.ts';
import { changed, presetNamed } from '../../../src/nat/presets.ts';

// shown in README.md from here on
export const shortMemory: NatPreset = {
  name: 'short-memory',
  title: 'Linux masquerade that forgets after 15 s',
  observation: 'Where such boxes are met, what of it is measured and what is modelled.',
  behaviour: changed(presetNamed('linux-masquerade')!.behaviour, { timeouts: { unreplied: seconds(15), replied: seconds(15) } }),
};
