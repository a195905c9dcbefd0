import { curve25519 } from './curve25519.ts';
import { ecp256, ecp384 } from './ecp.ts';
import { modp1024, modp1536, modp2048 } from './modp.ts';
import type { DhGroupName } from './transforms.ts';
import type { DhGroup } from './types.ts';

const groups: Record<DhGroupName, DhGroup> = {
  'modp-1024': modp1024(),
  'modp-1536': modp1536(),
  'modp-2048': modp2048(),
  'ecp-256': ecp256(),
  'ecp-384': ecp384(),
  curve25519: curve25519(),
};

export const dhGroup = (name: DhGroupName): DhGroup => groups[name];

/** The group that a peer's transform ID or KE payload names; undefined for one that the lab has not. */
export const dhGroupById = (id: number): DhGroup | undefined => Object.values(groups).find((group) => group.id === id);
