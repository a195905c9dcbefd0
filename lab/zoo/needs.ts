/** What lessons need of the boxes on their way. A need looks at the behaviour alone, and says what a box does that has it not. */
import { rangeFor } from '../../src/nat/allocation.ts';
import type { NatBehaviour, NatPreset } from '../../src/nat/behaviour.ts';
import type { IkeMode } from '../topology/ike-version.ts';

interface Need {
  /** What the lesson is about, and not what stands in its way: behind a box that has it not, there is nothing to show. */
  readonly isPremise: boolean;
  /** Of the box that does not meet it: `lets nothing out to UDP 500`. */
  readonly otherwise: string;
  isMet(behaviour: NatBehaviour, around: Around): boolean;
}

/** What the behaviour alone does not say. */
export interface Around {
  readonly ike: IkeMode;
  /** How many are behind the box. */
  readonly clients: number;
  /** What the box does with IPv6, if it is for that. */
  readonly ipv6?: NatPreset['ipv6'];
}

const need = (otherwise: string, isMet: Need['isMet']): Need => ({ isPremise: false, otherwise, isMet });
const premise = (otherwise: string, isMet: Need['isMet']): Need => ({ isPremise: true, otherwise, isMet });

/** Whether a second client that comes from the same port, to the same server, is turned away. */
const turnsAway = ({ ports, pinned }: NatBehaviour, port: number): boolean => ports.onConflict === 'refuse' || (pinned.onConflict === 'refuse' && pinned.ports.includes(port));

/** How many clients can have a mapping at once, each from this port and all to one server. */
function roomOn({ ports, pool, pinned }: NatBehaviour, port: number): number {
  if (pinned.ports.includes(port)) return pinned.onConflict === 'share-by-cookie' ? Infinity : 1;
  const [first, last] = rangeFor(ports, port);
  const size = last - first + 1;
  return pool.addresses * (ports.blocks === false ? size : Math.floor(size / ports.blocks.size));
}

/** The most mappings at once of clients who come in as port 500 has room for them: of each wave its own, and those on 4500 of all until then. */
function mappingsOf(clients: number, behaviour: NatBehaviour): number {
  const wave = Math.min(clients, roomOn(behaviour, 500));
  const rest = clients % wave;
  return Math.max(clients - rest + wave, clients + rest);
}

export const needs = {
  'udp-500': need('lets nothing out to UDP 500', ({ blockedUdpPorts }) => !blockedUdpPorts.includes(500)),
  'udp-4500': need('lets nothing out to UDP 4500', ({ blockedUdpPorts }) => !blockedUdpPorts.includes(4500)),
  // In aggressive mode identities are in the first two messages, before anybody moves (RFC 2409 §5.4).
  'udp-4500-to-name-oneself': need('lets nothing out to UDP 4500', ({ blockedUdpPorts }, { ike }) => ike === 'v1-aggressive' || !blockedUdpPorts.includes(4500)),
  'nat-detection': need('takes NAT traversal out of what IKE says', ({ helpers }, { ike }) => !helpers.includes(ike === 'v2' ? 'strip-nat-detection' : 'strip-vendor-ids')),
  'zero-checksums': need('makes wrong checksums of the zeros that ESP in UDP has', ({ zeroChecksum }) => zeroChecksum !== 'adjusted'),
  'one-address': need('gives an inside host any of its addresses', ({ pool }) => pool.pooling === 'paired' || pool.addresses === 1),
  'one-address-for-both-ports': premise('gives IKE on 4500 another address than on 500', ({ pool }) => pool.addresses === 1 || (pool.pooling === 'paired' && Object.keys(pool.byRemotePort).length === 0)),
  'same-address-for-all': premise('gives two clients different addresses', ({ pool }) => pool.addresses === 1),
  'same-address-on-4500': premise('gives two clients different addresses', ({ pool }) => pool.addresses === 1 || pool.byRemotePort[4500] !== undefined),
  'second-on-500': need('keeps a second client out of port 500', (behaviour) => !turnsAway(behaviour, 500)),
  'second-on-4500': need('keeps a second client out of port 4500', (behaviour) => !turnsAway(behaviour, 4500)),
  'many-on-500': need('gives port 500 to one client at a time', (behaviour, { clients }) => clients <= roomOn(behaviour, 500) && !turnsAway(behaviour, 500) && !(behaviour.pinned.onConflict === 'steal' && behaviour.pinned.ports.includes(500))),
  'room-for-all': need('has no room for so many clients', (behaviour, { clients }) => clients <= roomOn(behaviour, 4500) && mappingsOf(clients, behaviour) <= behaviour.tableSize),
  'no-second-on-500': premise('lets a second client use port 500 as well', (behaviour) => turnsAway(behaviour, 500)),
  'one-version-of-ip': premise('has IPv6 inside and IPv4 outside, and what the lesson protects is of one version at both ends', (_behaviour, { ipv6 }) => ipv6 !== 'nat64'),
  'header-of-ipv4': premise('translates IPv6, and the lesson reads the header of IPv4', (_behaviour, { ipv6 }) => ipv6 === undefined),
  'changed-checksums': premise('changes addresses in such a way that no checksum changes', (_behaviour, { ipv6 }) => ipv6 !== 'nptv6'),
  'pinned-500': premise('does not insist on port 500', ({ pinned }) => pinned.ports.includes(500)),
} as const satisfies Readonly<Record<string, Need>>;

export type NeedName = keyof typeof needs;
