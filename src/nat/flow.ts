/** Which conversation a packet belongs to, read from its bytes. */
import type { MappedProtocol } from '../core/events.ts';
import { u16At, u32At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import { ahFixedLength } from '../wire/ah.ts';
import { espHeaderLength } from '../wire/esp.ts';
import { isIpv4Fragment } from '../wire/fragmentation.ts';
import { icmpAt, icmpHeaderLength, icmpTypes } from '../wire/icmp.ts';
import { ipv4At, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';
import { tcpAt, tcpFlags, tcpHeaderLength } from '../wire/tcp.ts';
import { udpAt, udpHeaderLength } from '../wire/udp.ts';
import type { NumericEndpoint } from './table.ts';

export interface Flow {
  readonly protocol: MappedProtocol;
  readonly source: NumericEndpoint;
  readonly destination: NumericEndpoint;
  /** What it means for the life of a mapping: TCP says when it opens and closes; an ICMP reply asks for nothing. */
  readonly phase: 'open' | 'fin' | 'reset' | 'reply' | 'data';
}

/** An ICMP error: it belongs to the flow of the packet that it quotes. */
export interface QuotingError {
  readonly protocol: 'icmp-error';
}


/** RFC 2637 §4.1: GRE of version 1, with the call ID of the receiver in the key. */
export const greAt = { protocol: 2, callId: 6 } as const;
const greHeaderLength = 8;
const greVersion = 0x07;
const ppp = 0x880b;

/** RFC 792, RFC 950: what asks and what answers carries an identifier. */
const queries: ReadonlyMap<number, 'open' | 'reply'> = new Map([
  [icmpTypes.echoRequest, 'open'], [icmpTypes.echoReply, 'reply'],
  [13, 'open'], [14, 'reply'], // timestamp
  [15, 'open'], [16, 'reply'], // information
  [17, 'open'], [18, 'reply'], // address mask
]);

/** RFC 5508 §4: what quotes a packet of the flow. Redirects are for one link only and never translated. */
const errors: ReadonlySet<number> = new Set([icmpTypes.unreachable, icmpTypes.sourceQuench, icmpTypes.timeExceeded, icmpTypes.parameterProblem]);

/** Of an IPv4 packet that `ipv4Fault` has passed, whole or the first fragment of one. Reads headers only: whether a payload's checksum is right is for its receiver to say. */
export function readFlow(packet: Uint8Array): Decoded<Flow | QuotingError> {
  const at = ipv4HeaderLengthOf(packet);
  const length = packet.length - at;
  switch (packet[ipv4At.protocol]) {
    case protocols.udp: {
      if (length < udpHeaderLength) return refused('udp-malformed', `${length} octets are too few for a UDP header`);
      const udpLength = u16At(packet, at + udpAt.length);
      if (udpLength < udpHeaderLength || (udpLength > length && !isIpv4Fragment(packet))) return refused('udp-malformed', `length ${udpLength} in ${length} octets`);
      return decoded(withPorts(packet, at, 'udp', 'data'));
    }
    case protocols.tcp: {
      if (length < tcpHeaderLength) return refused('tcp-malformed', `${length} octets are too few for a TCP header`);
      const headerLength = (packet[at + tcpAt.dataOffset]! >>> 4) * 4;
      if (headerLength < tcpHeaderLength || headerLength > length) return refused('tcp-malformed', `header of ${headerLength} octets in ${length}`);
      return decoded(withPorts(packet, at, 'tcp', tcpPhase(packet[at + tcpAt.flags]!)));
    }
    case protocols.icmp: {
      if (length < icmpHeaderLength) return refused('icmp-malformed', `${length} octets are too few for an ICMP header`);
      if (errors.has(packet[at]!)) return decoded({ protocol: 'icmp-error' });
      return query(packet, at);
    }
    case protocols.esp:
      if (length < espHeaderLength) return refused('esp-malformed', `${length} octets are too few for ESP`);
      return decoded(withoutPorts(packet, 'esp'));
    case protocols.ah:
      if (length < ahFixedLength) return refused('ah-malformed', `${length} octets are too few for AH`);
      return decoded(withoutPorts(packet, 'ah'));
    case protocols.gre:
      if (length < greHeaderLength || (u16At(packet, at) & greVersion) !== 1 || u16At(packet, at + greAt.protocol) !== ppp) return refused('nat-protocol', 'the box translates no GRE but that of PPTP');
      return decoded(ofCall(packet, u16At(packet, at + greAt.callId)));
    default:
      return refused('nat-protocol', `the box translates UDP, TCP, ICMP, ESP, AH and PPTP, not protocol ${packet[ipv4At.protocol]!}`);
  }
}

/** Of the packet that an ICMP error quotes: RFC 792 promises the header and 8 octets, which hold the ports. */
export function readQuotedFlow(quoted: Uint8Array): Decoded<Flow> {
  const at = quoted.length < 20 ? 0 : ipv4HeaderLengthOf(quoted);
  if (at < 20 || quoted[0]! >>> 4 !== 4 || quoted.length < at + 8) return refused('icmp-malformed', 'quotes no IPv4 header and 8 octets');
  if ((u16At(quoted, ipv4At.flagsAndOffset) & 0x1fff) !== 0) return refused('icmp-malformed', 'quotes a fragment without ports');
  switch (quoted[ipv4At.protocol]) {
    case protocols.udp:
      return decoded(withPorts(quoted, at, 'udp', 'data'));
    case protocols.tcp:
      return decoded(withPorts(quoted, at, 'tcp', 'data'));
    case protocols.icmp:
      return query(quoted, at);
    case protocols.esp:
      return decoded(withoutPorts(quoted, 'esp'));
    case protocols.ah:
      return decoded(withoutPorts(quoted, 'ah'));
    default:
      return refused('nat-protocol', `quotes protocol ${quoted[ipv4At.protocol]!}`);
  }
}

/** Signed: see `NumericEndpoint`. */
const addressAt = (packet: Uint8Array, at: number): number => u32At(packet, at) | 0;

const withPorts = (packet: Uint8Array, at: number, protocol: 'udp' | 'tcp', phase: Flow['phase']): Flow => ({
  protocol,
  source: { address: addressAt(packet, ipv4At.source), port: u16At(packet, at) },
  destination: { address: addressAt(packet, ipv4At.destination), port: u16At(packet, at + 2) },
  phase,
});

const withoutPorts = (packet: Uint8Array, protocol: 'esp' | 'ah'): Flow => ({
  protocol,
  source: { address: addressAt(packet, ipv4At.source), port: 0 },
  destination: { address: addressAt(packet, ipv4At.destination), port: 0 },
  phase: 'data',
});

/** The call ID is the receiver's; whose call it is of the sender's, the packet does not say. */
const ofCall = (packet: Uint8Array, callId: number): Flow => ({
  protocol: 'gre',
  source: { address: addressAt(packet, ipv4At.source), port: 0 },
  destination: { address: addressAt(packet, ipv4At.destination), port: callId },
  phase: 'data',
});

/** The identifier is a port on the side that asks. */
function query(packet: Uint8Array, at: number): Decoded<Flow> {
  const phase = queries.get(packet[at]!);
  if (phase === undefined) return refused('nat-protocol', `the box does not translate ICMP type ${packet[at]!}`);
  const identifier = u16At(packet, at + icmpAt.identifier);
  return decoded({
    protocol: 'icmp',
    source: { address: addressAt(packet, ipv4At.source), port: phase === 'open' ? identifier : 0 },
    destination: { address: addressAt(packet, ipv4At.destination), port: phase === 'open' ? 0 : identifier },
    phase,
  });
}

function tcpPhase(flags: number): Flow['phase'] {
  if (flags & tcpFlags.rst) return 'reset';
  if (flags & tcpFlags.syn) return 'open';
  return flags & tcpFlags.fin ? 'fin' : 'data';
}
