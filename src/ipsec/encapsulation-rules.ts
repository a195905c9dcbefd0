/** What the systems make of UDP on a port of IKE's, and of ESP that comes in another form than its SA says. A system is a row; where they agree they share a function. */
import { u32At } from '../core/bytes.ts';
import { classifyNatt } from '../wire/natt.ts';
import type { System } from '../wire/pfkey/dialect.ts';
import type { ChecksumRepair } from './checksum-repair.ts';
import type { Encapsulation } from './sad.ts';

/** UDP_ENCAP_ESPINUDP, UDP_ENCAP_ESPINUDP_NON_IKE. */
export type SocketOption = 'espinudp' | 'non-ike';

/** What a datagram on such a socket is: `up` goes to the socket's owner. */
export type Sorted = 'up' | 'esp' | 'esp-behind-marker' | 'keepalive' | 'too-short';

/** How a packet of ESP has come. */
export type Arrival = 'plain' | { readonly peerPort: number; readonly localPort: number; readonly behindMarker: boolean };

export interface EncapsulationRules {
  sort(payload: Uint8Array, option: SocketOption): Sorted;
  /** Why a packet may not come by an SA of this encapsulation; undefined when it may. */
  mismatch(encapsulation: Encapsulation, arrival: Arrival): string | undefined;
  /** The non-ESP marker is the stack's affair, and so are the keepalives (UDP_NAT_T_ENDPOINT). */
  readonly stackMarks: boolean;
  /** Whether there can be SAs with the non-IKE marker of drafts 00 and 01. */
  readonly nonIke: boolean;
  /** What it does to checksums that a NAT has made wrong inside transport mode, where nothing else is configured. */
  readonly checksumRepair: ChecksumRepair;
}

/** RFC 3948 §2.2. */
const byRfc = (payload: Uint8Array): Sorted => {
  const kind = classifyNatt(payload);
  return kind === 'ike' ? 'up' : kind;
};

/** udp_queue_rcv(): ESP has more than its header, behind the non-IKE marker more than 8 octets too. What is neither is the daemon's. */
const byNonIkeMarker = (payload: Uint8Array): Sorted => {
  if (isKeepalive(payload)) return 'keepalive';
  return payload.length > 16 && u32At(payload, 0) === 0 && u32At(payload, 4) === 0 ? 'esp-behind-marker' : 'up';
};
const byLinux = (payload: Uint8Array): Sorted => {
  if (isKeepalive(payload)) return 'keepalive';
  return payload.length > 8 && u32At(payload, 0) !== 0 ? 'esp' : 'up';
};

/** udp_ipsec_input(): a keepalive is too short to be looked at, so the daemon gets it. */
const byFreebsd = (payload: Uint8Array): Sorted => (payload.length < 4 || u32At(payload, 0) === 0 ? 'up' : 'esp');

/** udp_input(): by the first word alone. */
const byOpenbsd = (payload: Uint8Array): Sorted => {
  if (payload.length < 4) return isKeepalive(payload) ? 'keepalive' : 'too-short';
  return u32At(payload, 0) === 0 ? 'up' : 'esp';
};

const isKeepalive = (payload: Uint8Array): boolean => payload.length === 1 && payload[0] === 0xff;

/** RFC 7296 §2.23: once NAT traversal took place, ESP may come in either form. */
const either = (encapsulation: Encapsulation, arrival: Arrival): string | undefined =>
  arrival !== 'plain' && encapsulation.kind === 'unknown' ? 'takes no part in NAT traversal and the packet came in UDP' : undefined;

/** In UDP when the SA says so, behind a marker when it says so, and only then. */
function same(encapsulation: Encapsulation, arrival: Arrival): string | undefined {
  if (encapsulation.kind !== 'udp') return arrival === 'plain' ? undefined : 'is plain and the packet came in UDP';
  if (arrival === 'plain') return 'is in UDP and the packet came plain';
  return encapsulation.nonIke === arrival.behindMarker ? undefined : `is ${encapsulation.nonIke ? 'behind' : 'without'} the non-IKE marker and the packet is not`;
}

/** From port to port as the SA has them; plain ESP is not asked. */
function samePorts(encapsulation: Encapsulation, arrival: Arrival): string | undefined {
  if (arrival === 'plain') return undefined;
  if (encapsulation.kind !== 'udp') return 'is plain and the packet came in UDP';
  const { sourcePort, destinationPort } = encapsulation;
  return sourcePort === arrival.peerPort && destinationPort === arrival.localPort ? undefined : `goes from port ${sourcePort} to ${destinationPort} and the packet came from ${arrival.peerPort} to ${arrival.localPort}`;
}

export const encapsulationRules: Readonly<Record<System | 'rfc', EncapsulationRules>> = {
  rfc: { sort: (payload, option) => (option === 'espinudp' ? byRfc(payload) : byNonIkeMarker(payload)), mismatch: either, stackMarks: false, nonIke: true, checksumRepair: 'adjust' },
  linux: { sort: (payload, option) => (option === 'espinudp' ? byLinux(payload) : byNonIkeMarker(payload)), mismatch: same, stackMarks: false, nonIke: true, checksumRepair: 'adjust' },
  freebsd: { sort: byFreebsd, mismatch: samePorts, stackMarks: false, nonIke: false, checksumRepair: 'adjust' },
  illumos: { sort: byRfc, mismatch: same, stackMarks: true, nonIke: false, checksumRepair: 'adjust' },
  openbsd: { sort: byOpenbsd, mismatch: same, stackMarks: false, nonIke: false, checksumRepair: 'recompute' },
};
