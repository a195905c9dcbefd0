/** Networks built by mininet, in Python; its hosts are then driven as the namespaces of netns are. */
import { existsSync } from 'node:fs';
import type { WorldPlan } from '../../../src/sim/plan.ts';
import type { Backend, NatEngineChoice, Requirement, Unsupported } from '../backend.ts';
import { engineOf } from '../linux/box.ts';
import { capabilities, enclosure } from '../linux/enclosure.ts';
import { rate } from '../linux/lab-clock.ts';
import { unsupportedBoxes, unsupportedMischief } from '../linux/unsupported.ts';
import { withoutImages } from '../without-images.ts';
import { openMininet } from './lab.ts';
import { hasNetem } from './netem.ts';
import { install, pythonWithMininet, pythons } from './python.ts';

export const mininet: Backend = {
  name: 'mininet',
  clock: 'real',
  natEngines: ['kernel', 'machine'],
  natEngine: (box, choice) => engineOf(box, choice, rate),
  probe: () => Promise.resolve(capabilities({ dispensable: ['conntrack'], besides: () => [python(), ...programs.map(program)] })),
  unsupported,
  open: openMininet,
  hasPrompt: true,
  enclosure,
};

function unsupported(plan: WorldPlan, choice: NatEngineChoice): readonly Unsupported[] {
  return [
    ...withoutImages(plan),
    ...unsupportedBoxes(plan, choice),
    ...unsupportedMischief(plan, (knob) => {
      if (knob !== 'loss') return 'mininet\'s links have no such thing; run it on sim';
      return hasNetem() ? undefined : 'mininet\'s links lose packets by tc-netem, and this kernel let nobody add it: sudo modprobe sch_netem, or run it on sim';
    }),
  ];
}

function python(): Requirement {
  const about = { name: 'mininet', packages: ['mininet'], remedy: install };
  const found = pythonWithMininet();
  if (found !== undefined) return { ...about, present: true, detail: `${found.mininet}, for ${found.path} (builds the network)` };
  const tried = pythons();
  return { ...about, present: false, detail: `${tried.length === 0 ? 'no python3 here' : `${tried.join(', ')} cannot import it`} (builds the network)` };
}

/** What mininet calls, and Debian's package of it does not bring in every case. */
const programs = [
  { name: 'mnexec', purpose: 'starts mininet\'s hosts', package: 'mininet' },
  { name: 'brctl', purpose: 'makes mininet\'s LinuxBridge', package: 'bridge-utils' },
  { name: 'ifconfig', purpose: 'sets mininet\'s interfaces up', package: 'net-tools' },
  { name: 'sysctl', purpose: 'lets mininet look at the settings of bridges', package: 'procps' },
] as const;

function program({ name, purpose, package: debian }: (typeof programs)[number]): Requirement {
  const path = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].map((folder) => `${folder}/${name}`).find((file) => existsSync(file));
  return { name, present: path !== undefined, detail: `${path ?? 'not installed'} (${purpose})`, packages: [debian], remedy: `sudo apt-get install --no-install-recommends ${debian}` };
}
