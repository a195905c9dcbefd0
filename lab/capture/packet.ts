/** An IP packet taken apart as far as an onlooker without keys can. */
import type { Endpoint } from '../../src/core/address.ts';
import { sameBytes, toHex } from '../../src/core/bytes.ts';
import type { SpiText } from '../../src/core/events.ts';
import type { Encapsulation } from '../../src/ike/any-ike-sa.ts';
import { decodeAh } from '../../src/wire/ah.ts';
import { decodeEsp } from '../../src/wire/esp.ts';
import { decodeIcmp } from '../../src/wire/icmp.ts';
import { decodeIcmpv6 } from '../../src/wire/icmpv6.ts';
import { decodeHeader } from '../../src/wire/ike/codec.ts';
import type { IkeHeader } from '../../src/wire/ike/message.ts';
import { decodeIp, ipVersion, ports as portsOf } from '../../src/wire/ip.ts';
import type { IpPacket } from '../../src/wire/ip.ts';
import { decodeQuotedIpv4 } from '../../src/wire/ipv4.ts';
import { classifyIkePort, isNatKeepalive, nonEspMarker, nonIkeMarker, stripMarker } from '../../src/wire/natt.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { ikePort, nattPort } from '../../src/wire/summarize.ts';
import { decodeUdp, udpAt, udpHeaderLength } from '../../src/wire/udp.ts';

export type Content =
  /** Read by where it stands, not by where it should: `marker` says whether four zero octets were in front. */
  | { readonly kind: 'ike'; readonly marker: boolean; readonly header: IkeHeader; readonly sa: SpiText; readonly message: Uint8Array }
  | { readonly kind: 'esp'; readonly encapsulation: Encapsulation; readonly spi: number; readonly sequence: number }
  /** `around`: the protocol of what AH carries, which is there to be read. */
  | { readonly kind: 'ah'; readonly spi: number; readonly sequence: number; readonly around: number; readonly carried: Uint8Array }
  /** Whatever is too short to be ESP or IKE on the shared port: exactly one octet 0xFF is a keepalive as RFC 3948 has it. */
  | { readonly kind: 'keepalive'; readonly exact: boolean }
  | { readonly kind: 'other'; readonly protocol: number };

/** A packet between two endpoints. Ports are 0 where the protocol has none. */
export interface TakenApart {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly version: 4 | 6;
  readonly protocol: number;
  /** What a box must leave alone: the UDP payload, else the IP payload. */
  readonly payload: Uint8Array;
  readonly content: Content;
  /** Of UDP. `unknown`: not all of the packet was captured. */
  readonly checksum?: 'good' | 'zero' | 'wrong' | 'unknown';
  readonly fragment?: IpPacket['fragment'];
  /** Of an ICMP error: what it says, whether that there is no way at all, and the packet that it is about, as far as it is quoted. */
  readonly error?: { readonly kind: string; readonly quoted: Uint8Array; readonly noWay: boolean };
}

/** Undefined for what is no good IP packet. Of one that was `cut` when it was captured, what is there is read. */
export function takeApart(bytes: Uint8Array, cut = false): TakenApart | undefined {
  const packet = decodeIp(bytes);
  if (packet.ok) return ofPacket(packet.value, false);
  if (!cut || ipVersion(bytes) !== 4) return undefined;
  const start = decodeQuotedIpv4(bytes);
  return start.ok ? ofPacket({ version: 4, ...start.value, ...(start.value.fragmentOffset > 0 && { fragment: { identification: start.value.identification, offset: start.value.fragmentOffset, more: start.value.moreFragments } }) }, true) : undefined;
}

function ofPacket(packet: IpPacket, cut: boolean): TakenApart {
  const { version, source, destination, protocol, payload, fragment } = packet;
  const plain = { version, protocol, from: { address: source, port: 0 }, to: { address: destination, port: 0 }, payload };
  const other = { kind: 'other', protocol } as const;
  if (fragment !== undefined) {
    const pair = protocol === protocols.udp ? portsOf(packet) : undefined; // the first piece has them
    return { ...plain, from: { address: source, port: pair?.source ?? 0 }, to: { address: destination, port: pair?.destination ?? 0 }, content: other, fragment };
  }
  switch (protocol) {
    case protocols.esp:
      return { ...plain, content: espContent(payload, 'none', protocol) };
    case protocols.ah: {
      const ah = decodeAh(payload);
      return { ...plain, content: ah.ok ? { kind: 'ah', spi: ah.value.spi, sequence: ah.value.sequence, around: ah.value.nextHeader, carried: ah.value.payload } : other };
    }
    case protocols.icmp:
    case protocols.icmpv6: {
      const icmp = protocol === protocols.icmp ? decodeIcmp(payload) : decodeIcmpv6(payload, packet);
      return { ...plain, content: other, ...(icmp.ok && 'quoted' in icmp.value && { error: { kind: icmp.value.kind, quoted: icmp.value.quoted, noWay: icmp.value.kind === 'unreachable' && noWay[version].includes(icmp.value.code) } }) };
    }
    case protocols.udp:
      return ofUdp(packet, plain, cut);
    default:
      return { ...plain, content: other };
  }
}

/** Codes of "unreachable": network, host (RFC 792); no route, address (RFC 4443 §3.1). */
const noWay: Readonly<Record<4 | 6, readonly number[]>> = { 4: [0, 1], 6: [0, 3] };

function ofUdp({ source, destination, payload: bytes }: IpPacket, plain: Omit<TakenApart, 'content'>, cut: boolean): TakenApart {
  const addresses = { source, destination };
  const udp = decodeUdp(bytes, addresses);
  // one with a wrong checksum, or none over IPv6, is nothing to its receiver, and something to whoever asks why
  const read = udp.ok || udp.reason !== 'udp-checksum' ? udp : decodeUdp(bytes, { source: plain.from.address, destination: plain.to.address }, 'trusted');
  const pair = bytes.length >= udpHeaderLength ? portsOf({ protocol: protocols.udp, payload: bytes }) : undefined;
  if (pair === undefined || (!cut && !udp.ok && udp.reason !== 'udp-checksum')) return { ...plain, content: { kind: 'other', protocol: protocols.udp } };
  const hasNone = bytes[udpAt.checksum] === 0 && bytes[udpAt.checksum + 1] === 0;
  const payload = read.ok ? read.value.payload : bytes.subarray(udpHeaderLength);
  return {
    ...plain,
    from: { address: source, port: pair.source },
    to: { address: destination, port: pair.destination },
    payload,
    content: contentOf(payload, [pair.source, pair.destination], cut),
    checksum: hasNone ? 'zero' : udp.ok ? 'good' : cut ? 'unknown' : 'wrong',
  };
}

function contentOf(payload: Uint8Array, between: readonly number[], cut: boolean): Content {
  const shared = between.includes(nattPort);
  if (!shared && !between.includes(ikePort)) return { kind: 'other', protocol: protocols.udp };
  if (isNatKeepalive(payload) || (shared && payload.length < 8)) return { kind: 'keepalive', exact: isNatKeepalive(payload) };
  if (!shared && classifyIkePort(payload) === 'esp') return espContent(payload.subarray(nonIkeMarker.length), 'udp-non-ike', protocols.udp);
  const marker = sameBytes(payload.subarray(0, nonEspMarker.length), nonEspMarker);
  const message = marker ? stripMarker(payload) : payload;
  const header = decodeHeader(message);
  // Without a marker a datagram on the shared port is ESP (RFC 3948 §2.2), unless its length field gives an IKE header away.
  if (header.ok && (marker || header.value.length === message.length || (cut && !shared))) return { kind: 'ike', marker, header: header.value, sa: toHex(header.value.initiatorSpi), message };
  return espContent(payload, 'udp', protocols.udp);
}

function espContent(payload: Uint8Array, encapsulation: Encapsulation, protocol: number): Content {
  const esp = decodeEsp(payload);
  return esp.ok ? { kind: 'esp', encapsulation, spi: esp.value.spi, sequence: esp.value.sequence } : { kind: 'other', protocol };
}
