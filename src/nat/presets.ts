/** The zoo: behaviours with a name and with where one meets them. */
import { hours, milliseconds, minutes, seconds, type Duration } from '../core/time.ts';
import type { NatBehaviour, NatPreset } from './behaviour.ts';

/** A behaviour with some knobs turned; groups of knobs may be given in part. */
export type BehaviourChanges = Partial<Omit<NatBehaviour, KnobGroup>> & {
  readonly [Group in KnobGroup]?: Partial<NatBehaviour[Group]>;
};

type KnobGroup = 'pool' | 'ports' | 'tcp' | 'timeouts' | 'pinned';

export function changed(behaviour: NatBehaviour, changes: BehaviourChanges): NatBehaviour {
  return {
    ...behaviour,
    ...changes,
    pool: { ...behaviour.pool, ...changes.pool },
    ports: { ...behaviour.ports, ...changes.ports },
    tcp: { ...behaviour.tcp, ...changes.tcp },
    timeouts: { ...behaviour.timeouts, ...changes.timeouts },
    pinned: { ...behaviour.pinned, ...changes.pinned },
  };
}

const never = milliseconds(0);

/** What RFC 4787, 5382 and 5508 ask of a box, with the timers that they recommend. */
const asTheRfcsAsk: NatBehaviour = {
  mapping: 'endpoint-independent',
  filtering: 'endpoint-independent',
  pool: { addresses: 1, pooling: 'paired', byRemotePort: {} },
  ports: { assignment: 'preserve', range: [1024, 65535], keepLowApart: true, overloading: false, parity: 'any', contiguous: false, blocks: false, onConflict: 'another-port' },
  timeouts: udpTimeouts(minutes(5), minutes(5), never),
  refresh: 'both',
  hairpinning: 'external-source',
  fragments: 'reassemble',
  zeroChecksum: 'kept',
  icmpErrors: 'translated',
  refusals: 'silent',
  tcp: { unsolicitedSyn: 'dropped', midStream: 'adopted' },
  pinned: { ports: [], onConflict: 'refuse', unknownCookie: 'dropped', scope: 'per-server' },
  esp: 'one-per-server',
  ah: 'blocked',
  helpers: [],
  l2tp: 'passed',
  pptp: 'untracked',
  blockedUdpPorts: [],
  tableSize: 65536,
  hostLimit: 'none',
  whenFull: 'refuse',
  whenAddressChanges: 'forget',
};

/** What Linux's masquerade does, measured on kernel 6.18. */
const masquerade: NatBehaviour = {
  ...asTheRfcsAsk,
  filtering: 'address-and-port-dependent',
  ports: { ...asTheRfcsAsk.ports, overloading: 'per-remote' },
  timeouts: { ...udpTimeouts(seconds(30), seconds(120), seconds(2)), icmp: seconds(30), esp: seconds(600), tcpEstablished: hours(120), tcpTransitory: seconds(120) },
  hairpinning: false,
};

function udpTimeouts(unreplied: Duration, replied: Duration, repliedAfter: Duration): NatBehaviour['timeouts'] {
  // RFC 5508 REQ-2: a query lives 60 s; RFC 5382 REQ-5: TCP 2 h 4 min, or 4 min while it opens and closes
  return { unreplied, replied, repliedAfter, byRemotePort: {}, icmp: seconds(60), esp: minutes(10), tcpEstablished: minutes(124), tcpTransitory: minutes(4) };
}

export const presets: readonly NatPreset[] = [
  {
    name: 'full-cone',
    title: 'Full cone: one outside port for everything, open to everyone',
    observation: "The easiest box to get through, and what RFC 4787 asks of the mapping. Met with home routers set to 'open NAT', and with carrier NAT that wants peer-to-peer to work. Modelled, with the RFC's timers.",
    behaviour: asTheRfcsAsk,
  },
  {
    name: 'restricted',
    title: 'Address-restricted cone: answers only from addresses that were spoken to',
    observation: "RFC 4787 REQ-8 recommends this filter where security counts. Common in home routers. Modelled, with the RFC's timers.",
    behaviour: changed(asTheRfcsAsk, { filtering: 'address-dependent' }),
  },
  {
    name: 'port-restricted',
    title: 'Port-restricted cone: answers only from the very port that was spoken to',
    observation: 'The commonest home router by most measurements. One outside port a client port for every destination, never shared with a second client (RFC 4787 REQ-3). Modelled.',
    behaviour: changed(asTheRfcsAsk, { filtering: 'address-and-port-dependent' }),
  },
  {
    name: 'symmetric',
    title: 'Symmetric: another outside port for every destination',
    observation: "Met in company firewalls, carrier NAT and some cloud gateways. A peer's report of the port it saw is of no use to anybody else. Modelled.",
    behaviour: changed(asTheRfcsAsk, { mapping: 'address-and-port-dependent', filtering: 'address-and-port-dependent', ports: { assignment: 'random', keepLowApart: false }, hairpinning: false }),
  },
  {
    name: 'linux-masquerade',
    title: "Linux masquerade: keeps the port where it can, one timer a flow, 30 s until answered and 120 s after",
    observation: 'Most home routers, hotspots and container hosts run this. Measured on kernel 6.18 with nftables 1.0.6, and held to it by a test: a second client from port 500 gets one below 512, from 4500 one above 1023.',
    behaviour: masquerade,
  },
  {
    name: 'linux-masquerade-random',
    title: 'Linux masquerade random: a new outside port for every flow',
    observation: 'The `random` flag of the masquerade rule, as some firewalls and container platforms set it: symmetric NAT out of the same kernel. Measured like linux-masquerade.',
    behaviour: changed(masquerade, { mapping: 'address-and-port-dependent', ports: { assignment: 'random' } }),
  },
  {
    name: 'passthrough-500',
    title: 'VPN passthrough: source port 500 leaves as 500, or not at all',
    observation: "Boxes that believe IKE must come from port 500: routers with 'IPsec passthrough' switched on, pfSense's default static port. A second client to the same server is silently dropped. Linux with `udp sport 500 snat to ADDRESS:500` does exactly this.",
    behaviour: changed(masquerade, { pinned: { ports: [500], onConflict: 'refuse', scope: 'per-server' } }),
  },
  {
    name: 'passthrough-500-steal',
    title: 'VPN passthrough, last one wins: a newcomer takes port 500 away from the one before',
    observation: "Boxes with room for one IKE client that overwrite it: 'one tunnel at a time' in old home routers' manuals. The first client hears nothing more on port 500. Modelled; nftables has no rule for it.",
    behaviour: changed(masquerade, { pinned: { ports: [500], onConflict: 'steal', scope: 'whole-box' } }),
  },
  {
    name: 'udp-4500-blocked',
    title: 'UDP 4500 blocked: IKE begins on port 500 and cannot move',
    observation: "Firewalls opened for 'IPsec' by the book of 1998: UDP 500 and ESP pass, UDP 4500 does not. Otherwise Linux masquerade. Modelled.",
    behaviour: changed(masquerade, { blockedUdpPorts: [4500] }),
  },
];

export const presetNamed = (name: string): NatPreset | undefined => presets.find((preset) => preset.name === name);
