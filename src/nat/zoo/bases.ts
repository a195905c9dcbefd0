/** The two behaviours that all presets are made of. */
import { hours, milliseconds, minutes, seconds, type Duration } from '../../core/time.ts';
import type { NatBehaviour } from '../behaviour.ts';

const never = milliseconds(0);

/** What RFC 4787, 5382 and 5508 ask of a box, with the timers that they recommend. */
export const asTheRfcsAsk: NatBehaviour = {
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
export const masquerade: NatBehaviour = {
  ...asTheRfcsAsk,
  filtering: 'address-and-port-dependent',
  ports: { ...asTheRfcsAsk.ports, overloading: 'per-remote' },
  timeouts: { ...udpTimeouts(seconds(30), seconds(120), seconds(2)), icmp: seconds(30), esp: seconds(600), tcpEstablished: hours(120), tcpTransitory: seconds(120) },
  hairpinning: false,
};

/** One life for UDP, answered or not. */
export const idle = (life: Duration): Pick<NatBehaviour['timeouts'], 'unreplied' | 'replied' | 'repliedAfter'> => ({ unreplied: life, replied: life, repliedAfter: never });

function udpTimeouts(unreplied: Duration, replied: Duration, repliedAfter: Duration): NatBehaviour['timeouts'] {
  // RFC 5508 REQ-2: a query lives 60 s; RFC 5382 REQ-5: TCP 2 h 4 min, or 4 min while it opens and closes
  return { unreplied, replied, repliedAfter, byRemotePort: {}, icmp: seconds(60), esp: minutes(10), tcpEstablished: minutes(124), tcpTransitory: minutes(4) };
}
