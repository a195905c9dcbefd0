/** Hosts that are an image: somebody's own container with a daemon of its own, which the lab places and does not configure. */
import { resolve } from 'node:path';
import type { ImagePlan } from '../../src/sim/plan.ts';
import { Problem } from '../problem.ts';
import type { Locate } from '../yaml-file.ts';
import type { HostFile } from './schema.ts';

/** What is said about a container, and about nothing else. */
const aboutContainers = ['command', 'environment', 'volumes', 'cap_add', 'devices', 'ready', 'connect'] as const satisfies readonly (keyof HostFile)[];

/** What the lab's own daemon and stack are told. */
const aboutOurs = ['daemon', 'system', 'esp', 'pool'] as const satisfies readonly (keyof HostFile)[];

/** Of `ike` what has to be known of a daemon to judge what it sends. */
const toBeKnown: ReadonlySet<string> = new Set(['version', 'v1', 'encapsulation']);

/** Throws a Problem where a host says what goes with an image and has none, or has one and says what only the lab's own daemon would heed. */
export function checkImage(name: string, host: HostFile, locate: Locate): void {
  const refuse = (key: string, why: string, path: readonly string[] = [key]): never => {
    throw new Problem(`${locate(['hosts', name, ...path])}: ${why}`);
  };
  if (host.image === undefined) {
    for (const key of aboutContainers) if (host[key] !== undefined) refuse(key, `"${key}" is about a container: write "image: …" as well, or leave it out`);
    return;
  }
  for (const key of aboutOurs) if (host[key] !== undefined) refuse(key, `"${key}" is for the lab's own daemon, and ${name} is an image with one of its own: configure that, and leave "${key}" out`);
  for (const key of Object.keys(host.ike ?? {})) if (!toBeKnown.has(key)) refuse(key, `"ike.${key}" is for the lab's own daemon, and ${name} is an image with one of its own: configure that, and leave it out here`, ['ike', key]);
  for (const key of Object.keys(host.ike?.v1 ?? {})) if (key !== 'exchange') refuse(key, `"ike.v1.${key}" is for the lab's own daemon, and ${name} is an image with one of its own: configure that, and leave it out here`, ['ike', 'v1', key]);
  if (host.connect !== undefined && host.connectsTo === undefined) refuse('connect', `"connect" has a client begin: write "connectsTo: GATEWAY" as well, or leave it out`);
}

/** `folder`: where its relative paths start. */
export const imagePlan = (name: string, { command, environment = {}, volumes = [], cap_add = [], devices = [], ready, connect }: HostFile, folder: string, names: ImagePlan['names']): ImagePlan => ({
  name,
  ...(command && { command }),
  environment,
  volumes: volumes.map(({ source, target }) => ({ source: resolve(folder, source), target })),
  capabilities: cap_add,
  devices,
  ...(ready && { ready }),
  ...(connect && { connect }),
  names,
});
