/** What lessons need of the boxes on their way. A need looks at the behaviour alone, and says what a box does that has it not. */
import type { NatBehaviour, NatPreset } from '../../src/nat/behaviour.ts';
import type { IkeMode } from '../topology/ike-version.ts';

interface Need {
  /** What the lesson is about, and not what stands in its way: behind a box that has it not, there is nothing to show. */
  readonly isPremise: boolean;
  /** Of the box that does not meet it: `lets nothing out to UDP 500`. */
  readonly otherwise: string;
  /** `ipv6`: what the box does with IPv6, if it is for that. */
  isMet(behaviour: NatBehaviour, ike: IkeMode, ipv6?: NatPreset['ipv6']): boolean;
}

const need = (otherwise: string, isMet: Need['isMet']): Need => ({ isPremise: false, otherwise, isMet });
const premise = (otherwise: string, isMet: Need['isMet']): Need => ({ isPremise: true, otherwise, isMet });

/** Whether a second client that comes from the same port, to the same server, is turned away. */
const turnsAway = ({ ports, pinned }: NatBehaviour, port: number): boolean => ports.onConflict === 'refuse' || (pinned.onConflict === 'refuse' && pinned.ports.includes(port));

export const needs = {
  'udp-500': need('lets nothing out to UDP 500', ({ blockedUdpPorts }) => !blockedUdpPorts.includes(500)),
  'udp-4500': need('lets nothing out to UDP 4500', ({ blockedUdpPorts }) => !blockedUdpPorts.includes(4500)),
  'nat-detection': need('takes NAT traversal out of what IKE says', ({ helpers }, ike) => !helpers.includes(ike === 'v2' ? 'strip-nat-detection' : 'strip-vendor-ids')),
  'zero-checksums': need('makes wrong checksums of the zeros that ESP in UDP has', ({ zeroChecksum }) => zeroChecksum !== 'adjusted'),
  'one-address': need('gives an inside host any of its addresses', ({ pool }) => pool.pooling === 'paired' || pool.addresses === 1),
  'one-address-for-both-ports': premise('gives IKE on 4500 another address than on 500', ({ pool }) => pool.addresses === 1 || (pool.pooling === 'paired' && Object.keys(pool.byRemotePort).length === 0)),
  'same-address-for-all': premise('gives two clients different addresses', ({ pool }) => pool.addresses === 1),
  'same-address-on-4500': premise('gives two clients different addresses', ({ pool }) => pool.addresses === 1 || pool.byRemotePort[4500] !== undefined),
  'second-on-500': need('keeps a second client out of port 500', (behaviour) => !turnsAway(behaviour, 500)),
  'second-on-4500': need('keeps a second client out of port 4500', (behaviour) => !turnsAway(behaviour, 4500)),
  'many-on-500': need('gives port 500 to one client at a time', (behaviour) => !turnsAway(behaviour, 500) && !(behaviour.pinned.onConflict === 'steal' && behaviour.pinned.ports.includes(500))),
  'no-second-on-500': premise('lets a second client use port 500 as well', (behaviour) => turnsAway(behaviour, 500)),
  'one-version-of-ip': premise('has IPv6 inside and IPv4 outside, and what the lesson protects is of one version at both ends', (_behaviour, _ike, ipv6) => ipv6 !== 'nat64'),
  'header-of-ipv4': premise('translates IPv6, and the lesson reads the header of IPv4', (_behaviour, _ike, ipv6) => ipv6 === undefined),
  'changed-checksums': premise('changes addresses in such a way that no checksum changes', (_behaviour, _ike, ipv6) => ipv6 !== 'nptv6'),
  'pinned-500': premise('does not insist on port 500', ({ pinned }) => pinned.ports.includes(500)),
} as const satisfies Readonly<Record<string, Need>>;

export type NeedName = keyof typeof needs;
