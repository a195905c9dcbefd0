/** How people call the numbers on the wire. */
import { icmpTypes, unreachableCodes } from './icmp.ts';
import { icmpv6Types } from './icmpv6.ts';
import { protocols } from './protocols.ts';
import { tcpFlags } from './tcp.ts';

/** A table of numbers the other way round. */
export const namesOf = (table: Readonly<Record<string, number>>): Readonly<Record<number, string>> => Object.fromEntries(Object.entries(table).map(([name, n]) => [n, name]));

export const protocolNames: Readonly<Record<number, string>> = {
  [protocols.icmp]: 'ICMP', [protocols.ipv4]: 'IPv4', [protocols.tcp]: 'TCP', [protocols.udp]: 'UDP', [protocols.ipv6]: 'IPv6', [protocols.esp]: 'ESP', [protocols.ah]: 'AH',
  [protocols.icmpv6]: 'ICMPv6', [protocols.hopByHop]: 'hop-by-hop options', [protocols.routing]: 'routing header', [protocols.fragment]: 'fragment header',
  [protocols.noNext]: 'no next header', [protocols.destination]: 'destination options',
};

/** `UDP`; `protocol 253` where there is no name. */
export const protocolName = (protocol: number): string => protocolNames[protocol] ?? `protocol ${protocol}`;

export const icmpTypeNames: Readonly<Record<number, string>> = {
  [icmpTypes.echoReply]: 'echo reply', [icmpTypes.unreachable]: 'unreachable', [icmpTypes.sourceQuench]: 'source quench', [icmpTypes.redirect]: 'redirect',
  [icmpTypes.echoRequest]: 'echo request', [icmpTypes.timeExceeded]: 'time exceeded', [icmpTypes.parameterProblem]: 'parameter problem',
};

export const unreachableNames: Readonly<Record<number, string>> = {
  [unreachableCodes.network]: 'network unreachable', [unreachableCodes.host]: 'host unreachable', [unreachableCodes.protocol]: 'protocol unreachable',
  [unreachableCodes.port]: 'port unreachable', [unreachableCodes.fragmentationNeeded]: 'fragmentation needed', [unreachableCodes.sourceRoute]: 'source route failed',
  [unreachableCodes.administrativelyProhibited]: 'administratively prohibited',
};

/** RFC 4443 §3.1. */
export const unreachable6Names: Readonly<Record<number, string>> = { 0: 'no route', 1: 'administratively prohibited', 2: 'beyond scope', 3: 'address unreachable', 4: 'port unreachable' };

export const icmpv6TypeNames: Readonly<Record<number, string>> = {
  [icmpv6Types.unreachable]: 'unreachable', [icmpv6Types.packetTooBig]: 'packet too big', [icmpv6Types.timeExceeded]: 'time exceeded',
  [icmpv6Types.echoRequest]: 'echo request', [icmpv6Types.echoReply]: 'echo reply',
};

/** `SYN ACK` */
export const tcpFlagNames = (flags: number): string =>
  Object.entries(tcpFlags).filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name.toUpperCase()).join(' ') || 'no flags';
