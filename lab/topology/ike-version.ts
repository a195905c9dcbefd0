/** The ways of negotiating that `--ike` names. */
import type { ConnectionConfig } from '../../src/ike/config.ts';
import { Problem } from '../problem.ts';
import type { LoadedTopology, Variation } from './load.ts';

/** `v1` is main mode: RFC 2409 makes it a MUST, and it is what daemons do unless told otherwise. */
export const ikeModes = ['v2', 'v1', 'v1-aggressive'] as const;
export type IkeMode = (typeof ikeModes)[number];

const settings: Readonly<Record<IkeMode, object>> = {
  v2: { version: 'v2' },
  v1: { version: 'v1', v1: { exchange: 'main' } },
  'v1-aggressive': { version: 'v1', v1: { exchange: 'aggressive' } },
};

/** Every endpoint of a topology in this mode. */
export function inMode({ file, locate }: LoadedTopology, mode: IkeMode): Variation {
  for (const [name, { image, ike }] of Object.entries(file.hosts)) {
    const own: IkeMode = ike?.version !== 'v1' ? 'v2' : ike.v1?.exchange === 'aggressive' ? 'v1-aggressive' : 'v1';
    if (image !== undefined && own !== mode) throw new Problem(`${locate(['hosts', name, 'image'])}: ${name} is an image, which speaks what it is configured for: configure it for ${mode}, and say so by "ike:" here`, 3);
  }
  return { hosts: Object.fromEntries(Object.entries(file.hosts).map(([name, { connectsTo, protects }]) => [name, connectsTo === undefined && protects === undefined ? {} : { ike: settings[mode] }])) };
}

export const modeOf = ({ ike }: ConnectionConfig): IkeMode => (ike.version === 'v2' ? 'v2' : ike.exchange === 'main' ? 'v1' : 'v1-aggressive');
