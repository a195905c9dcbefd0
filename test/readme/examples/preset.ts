import { seconds } from '../../../src/core/time.ts';
import type { NatPreset } from '../../../src/nat/behaviour.ts';
import { changed, presetNamed } from '../../../src/nat/presets.ts';

// shown in README.md from here on
export const shortMemory: NatPreset = {
  name: 'short-memory',
  title: 'Linux masquerade that forgets after 15 s',
  met: 'Where such boxes are met.',
  sources: [{ says: 'what is known of them', where: 'RFC, manual, measurement' }],
  modelled: 'What is as we think it is.',
  behaviour: changed(presetNamed('linux-masquerade')!.behaviour, { timeouts: { unreplied: seconds(15), replied: seconds(15) } }),
};
