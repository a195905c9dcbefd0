/** The ways of negotiating that `--ike` names. */
import type { ConnectionConfig } from '../../src/ike/config.ts';
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
export const inMode = ({ file }: LoadedTopology, mode: IkeMode): Variation => ({
  hosts: Object.fromEntries(Object.entries(file.hosts).map(([name, { connectsTo, protects }]) => [name, connectsTo === undefined && protects === undefined ? {} : { ike: settings[mode] }])),
});

export const modeOf = ({ ike }: ConnectionConfig): IkeMode => (ike.version === 'v2' ? 'v2' : ike.exchange === 'main' ? 'v1' : 'v1-aggressive');
