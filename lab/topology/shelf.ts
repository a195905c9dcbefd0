/** What topologies are known by, and what they may name. */
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { NatPreset } from '../../src/nat/behaviour.ts';
import { zoo } from '../../src/nat/presets.ts';

export interface Shelf {
  readonly topologies: ReadonlyMap<string, Place>;
  readonly presets: readonly NatPreset[];
}

/** Where a topology lies, and what that place is called towards people. */
export interface Place {
  readonly path: string | URL;
  readonly shown: string;
}

/** The topologies of a folder, by their files' names. */
export const topologiesIn = (folder: string | URL, shown: string): ReadonlyMap<string, Place> =>
  new Map(
    readdirSync(folder)
      .flatMap((file) => (file.endsWith('.yaml') ? [basename(file, '.yaml')] : []))
      .sort()
      .map((name) => [name, { path: folder instanceof URL ? new URL(`${name}.yaml`, folder) : `${folder}/${name}.yaml`, shown: `${shown}/${name}.yaml` }]),
  );

/** What comes with the lab. */
export const ownShelf: Shelf = { topologies: topologiesIn(new URL('../../topologies/', import.meta.url), 'topologies'), presets: zoo };

export const presetOn = (presetsThere: readonly NatPreset[], name: string): NatPreset | undefined => presetsThere.find((preset) => preset.name === name);
