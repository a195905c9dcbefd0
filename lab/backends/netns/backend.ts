/** Linux network namespaces: the kernel's forwarding and NAT, real sockets, every node in this one process. */
import type { Backend } from '../backend.ts';
import { engineOf } from '../linux/box.ts';
import { capabilities, enclosure } from '../linux/enclosure.ts';
import { rate } from '../linux/lab-clock.ts';
import { unsupportedOnLinux } from '../linux/unsupported.ts';
import { withoutImages } from '../without-images.ts';
import { openNamespaces } from './lab.ts';

export const netns: Backend = {
  name: 'netns',
  clock: 'real',
  natEngines: ['kernel', 'machine'],
  natEngine: (box, choice) => engineOf(box, choice, rate),
  probe: () => Promise.resolve(capabilities({ dispensable: ['ip', 'conntrack'] })),
  unsupported: (plan, choice) => [...withoutImages(plan), ...unsupportedOnLinux(plan, choice)],
  open: (plan, options) => Promise.resolve(openNamespaces(plan, options)),
  enclosure,
};
