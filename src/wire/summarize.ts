/** A packet in one line, as a person would say it. */
import type { Refusal } from '../core/decoded.ts';
import { addressFromBytes, describeEndpoint } from '../core/address.ts';
import { toHex, u16At } from '../core/bytes.ts';
import { decodeAh } from './ah.ts';
import { decodeEsp } from './esp.ts';
import { decodeHeader, headLengths } from './ike/codec.ts';
import { payloadTypes } from './ike/message.ts';
import { exchangeName } from './ike/notation.ts';
import { decodeMessage as decodeMessageV1 } from './ike/v1/codec.ts';
import { exchangeName as exchangeNameV1, symbols } from './ike/v1/notation.ts';
import { decodeIcmp, type IcmpEcho, type IcmpMessage } from './icmp.ts';
import { decodeIcmpv6, type Icmpv6Message } from './icmpv6.ts';
import { decodeIp, ipVersion, ports, type IpPacket } from './ip.ts';
import { decodeQuotedIpv4 } from './ipv4.ts';
import { ipv6HeaderLength } from './ipv6.ts';
import { protocolName, tcpFlagNames, unreachable6Names, unreachableNames } from './names.ts';
import { classifyIkePort, classifyNatt, nonIkeMarker, stripMarker } from './natt.ts';
import { protocols } from './protocols.ts';
import { decodeTcp } from './tcp.ts';
import { decodeUdp, udpHeaderLength, type UdpDatagram } from './udp.ts';

/** RFC 7296 §2: IKE listens here; RFC 3948 §2: and here, with ESP and a marker. */
export const ikePort = 500;
export const nattPort = 4500;

/**
 * `192.168.1.2:4500 > 203.0.113.1:4500 ESP in UDP spi 0x1234abcd seq 7, 116 octets`, the octets being those of the whole packet. Never
 * throws: bytes that make no sense are described as such.
 */
export function summarize(bytes: Uint8Array): string {
  const packet = decodeIp(bytes);
  if (!packet.ok) return `not a good IP packet: ${packet.detail}, ${sizeOf(bytes)}`;
  const { value } = packet;
  if (value.fragment) return `${ends(value)} ${summarizeFragment(value)}`;
  return `${ends(value)} ${summarizeUpper(value, sizeOf(bytes))}`;
}

/** The same of a packet that was cut short when it was captured, as far as it goes: `… IKE IKE_SA_INIT request mid 0, the first 68 octets of 408`. */
export function summarizeStart(bytes: Uint8Array): string {
  const start = startOf(bytes);
  if (start === undefined) return `the start of a packet, ${sizeOf(bytes)}`;
  const { protocol, payload, fragment, length } = start;
  const size = `the first ${sizeOf(bytes)} of ${length}`;
  if (fragment !== undefined) return `${ends(start)} ${protocolName(protocol)} fragment, ${size}`;
  if (protocol === protocols.esp) return `${ends(start)} ESP ${summarizeEsp(payload, size)}`;
  const pair = protocol === protocols.udp ? ports(start) : undefined;
  if (pair === undefined) return `${ends(start)} ${protocolName(protocol)}, ${size}`;
  return `${ends(start)} ${summarizeUdp({ sourcePort: pair.source, destinationPort: pair.destination, payload: payload.subarray(udpHeaderLength) }, size, (message) => `${startOfIke(message)}, ${size}`)}`;
}

type Start = Pick<IpPacket, 'source' | 'destination' | 'protocol' | 'payload' | 'fragment'> & { readonly length: number };

function startOf(bytes: Uint8Array): Start | undefined {
  if (ipVersion(bytes) === 6) {
    if (bytes.length < ipv6HeaderLength) return undefined;
    return { source: addressFromBytes(bytes.subarray(8, 24)), destination: addressFromBytes(bytes.subarray(24, 40)), protocol: bytes[6]!, payload: bytes.subarray(ipv6HeaderLength), length: ipv6HeaderLength + u16At(bytes, 4) };
  }
  const packet = decodeQuotedIpv4(bytes);
  if (!packet.ok) return undefined;
  const { identification, fragmentOffset, moreFragments } = packet.value;
  const isFragment = fragmentOffset > 0 || moreFragments;
  return { ...packet.value, length: u16At(bytes, 2), ...(isFragment && { fragment: { identification, offset: fragmentOffset, more: moreFragments } }) };
}

/** `IKE_SA_INIT request mid 0`, by the header alone. */
export function startOfIke(message: Uint8Array): string {
  const header = decodeHeader(message);
  if (!header.ok) return 'the start of a header';
  const { exchange, flags, messageId, version } = header.value;
  if (version >>> 4 === 1) return `v1 ${exchangeNameV1(exchange)}${messageId === 0 ? '' : ` mid ${messageId}`}`;
  return `${exchangeName(exchange)} ${flags.response ? 'response' : 'request'} mid ${messageId}`;
}

type SummarizeIke = (message: Uint8Array) => string;

/** What a datagram on an encapsulation port, or on port 500, holds. `size` is what to say of the length of ESP. */
function summarizeUdp({ sourcePort, destinationPort, payload }: UdpDatagram, size: string, ike: SummarizeIke = summarizeIke): string {
  const at = [sourcePort, destinationPort];
  if (at.includes(nattPort)) return summarizeNatt(payload, size, ike);
  if (at.includes(ikePort)) return summarizeIkePort(payload, size, ike);
  return `UDP, ${size}`;
}

function summarizeIkePort(payload: Uint8Array, size: string, ike: SummarizeIke): string {
  switch (classifyIkePort(payload)) {
    case 'keepalive':
      return 'NAT-T keepalive';
    case 'esp':
      return `ESP in UDP behind the non-IKE marker ${summarizeEsp(payload.subarray(nonIkeMarker.length), size)}`;
    case 'ike':
      return `IKE ${ike(payload)}`;
  }
}

function summarizeNatt(payload: Uint8Array, size: string, ike: SummarizeIke): string {
  switch (classifyNatt(payload)) {
    case 'keepalive':
      return 'NAT-T keepalive';
    case 'ike':
      return `IKE (non-ESP marker) ${ike(stripMarker(payload))}`;
    case 'esp':
      return `ESP in UDP ${summarizeEsp(payload, size)}`;
    case 'too-short':
      return `neither IKE nor ESP nor a keepalive: ${payload.length === 0 ? 'no octets' : toHex(payload)}`;
  }
}

/** `IKE_AUTH request mid 1`; of IKEv1 `v1 main mode: SA, VID x6`, with the message ID where there is one. */
export function summarizeIke(message: Uint8Array): string {
  const header = decodeHeader(message);
  if (!header.ok) return refusedAs(header);
  const { exchange, flags, messageId, version, length, nextPayload } = header.value;
  if (version >>> 4 === 1) return summarizeIkeV1(exchange, messageId, message);
  if (version >>> 4 !== 2) return `version ${version >>> 4}.${version & 15}, exchange ${exchange}`;
  const lie = length === message.length ? '' : `, malformed: Length is ${length}, ${sizeOf(message)} there`;
  return `${exchangeName(exchange)} ${flags.response ? 'response' : 'request'} mid ${messageId}${nextPayload === payloadTypes.SKF ? fragmentOf(message) : ''}${lie}`;
}

/** RFC 7383 §2.5. */
const fragmentOf = (message: Uint8Array): string => (message.length < headLengths.SKF ? '' : `, fragment ${u16At(message, headLengths.SK)} of ${u16At(message, headLengths.SK + 2)}`);

function summarizeIkeV1(exchange: number, messageId: number, message: Uint8Array): string {
  const name = `v1 ${exchangeNameV1(exchange)}${messageId === 0 ? '' : ` mid ${messageId}`}`;
  const decoded = decodeMessageV1(message);
  if (!decoded.ok) return `${name}, ${refusedAs(decoded)}`;
  if ('ciphertext' in decoded.value) return `${name}: encrypted`;
  return `${name}: ${symbols(decoded.value.header, decoded.value.payloads) || 'no payloads'}`;
}

function summarizeEsp(payload: Uint8Array, size: string): string {
  const esp = decodeEsp(payload);
  return esp.ok ? `spi 0x${esp.value.spi.toString(16).padStart(8, '0')} seq ${esp.value.sequence}, ${size}` : refusedAs(esp);
}

function summarizeUpper(packet: IpPacket, size: string): string {
  const { protocol, payload } = packet;
  switch (protocol) {
    case protocols.udp: {
      const udp = decodeUdp(payload, packet);
      return udp.ok ? summarizeUdp(udp.value, size) : `UDP ${refusedAs(udp)}`;
    }
    case protocols.esp:
      return `ESP ${summarizeEsp(payload, size)}`;
    case protocols.ah: {
      const ah = decodeAh(payload);
      return ah.ok ? `AH spi 0x${ah.value.spi.toString(16).padStart(8, '0')} seq ${ah.value.sequence} around ${protocolName(ah.value.nextHeader)}, ${size}` : `AH ${refusedAs(ah)}`;
    }
    case protocols.tcp: {
      const tcp = decodeTcp(payload, packet);
      return tcp.ok ? `TCP ${tcpFlagNames(tcp.value.flags)} seq ${tcp.value.sequence}, ${size}` : `TCP ${refusedAs(tcp)}`;
    }
    case protocols.icmp: {
      const icmp = decodeIcmp(payload);
      return `ICMP ${icmp.ok ? summarizeIcmp(icmp.value, unreachableNames) : refusedAs(icmp)}`;
    }
    case protocols.icmpv6: {
      const icmp = decodeIcmpv6(payload, packet);
      return `ICMPv6 ${icmp.ok ? summarizeIcmp(icmp.value, unreachable6Names) : refusedAs(icmp)}`;
    }
    default:
      return `${protocolName(protocol)}, ${size}`;
  }
}

/** ICMP of either version: what they have in common reads the same. */
function summarizeIcmp(message: IcmpMessage | Icmpv6Message, unreachable: Readonly<Record<number, string>>): string {
  switch (message.kind) {
    case 'echo-request':
    case 'echo-reply':
      return echo(message);
    case 'unreachable':
      return `${unreachable[message.code] ?? `unreachable, code ${message.code}`}${about(message.quoted)}`;
    case 'fragmentation-needed':
      return `fragmentation needed, MTU ${message.mtu}${about(message.quoted)}`;
    case 'packet-too-big':
      return `packet too big, MTU ${message.mtu}${about(message.quoted)}`;
    case 'time-exceeded':
      return `${message.what === 'ttl' ? 'TTL' : 'reassembly time'} exceeded${about(message.quoted)}`;
    case 'parameter-problem':
      return `parameter problem at octet ${message.pointer}${about(message.quoted)}`;
    case 'other':
      return `type ${message.type} code ${message.code}`;
  }
}

const echo = ({ kind, identifier, sequence }: IcmpEcho): string => `${kind === 'echo-request' ? 'echo request' : 'echo reply'} id ${identifier} seq ${sequence}`;

/** The packet that an error is about, as far as it was quoted. */
function about(quoted: Uint8Array): string {
  const packet = ipVersion(quoted) === 6 ? decodeIp(quoted) : decodeQuotedIpv4(quoted);
  return packet.ok ? ` about ${ends(packet.value)} ${protocolName(packet.value.protocol)}` : '';
}

function summarizeFragment({ protocol, payload, fragment }: IpPacket): string {
  const { identification, offset, more } = fragment!;
  const last = payload.length === 0 ? offset : offset + payload.length - 1;
  return `${protocolName(protocol)} fragment id 0x${identification.toString(16).padStart(4, '0')} octets ${offset}–${last}, ${more ? 'more follow' : 'the last'}`;
}

/** Endpoints where there are ports, else addresses. */
function ends(packet: Pick<IpPacket, 'source' | 'destination' | 'protocol' | 'payload' | 'fragment'>): string {
  const { source, destination, protocol } = packet;
  const pair = protocol === protocols.udp || protocol === protocols.tcp ? ports(packet) : undefined;
  if (pair === undefined) return `${source} > ${destination}`;
  return `${describeEndpoint({ address: source, port: pair.source })} > ${describeEndpoint({ address: destination, port: pair.destination })}`;
}

const refusedAs = ({ detail }: Refusal): string => `malformed: ${detail}`;
const sizeOf = (bytes: Uint8Array): string => (bytes.length === 1 ? '1 octet' : `${bytes.length} octets`);
