/** What policies look at in an inner packet (RFC 4301 §4.4.1.1). */
import { u16At } from '../core/bytes.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import { decodeIp, ports } from '../wire/ip.ts';
import { ipv4At } from '../wire/ipv4.ts';
import { ipv6At, ipv6HeaderLength } from '../wire/ipv6.ts';
import type { Addresses } from '../wire/pseudo-header.ts';

export interface Traffic {
  readonly version: 4 | 6;
  readonly addresses: Addresses;
  /** 4 or 16 octets, views of the packet. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Of the upper layer, behind IPv6 extension headers. */
  readonly protocol: number;
  /** Undefined where they cannot be seen (RFC 4301's OPAQUE). */
  readonly ports: { readonly source: number; readonly destination: number } | undefined;
  /** A piece of a datagram (RFC 791 §3.2). */
  readonly isFragment: boolean;
  /** Octets of the packet by its own header: what follows is padding against traffic analysis (RFC 4303 §2.7). */
  readonly length: number;
  /** For people: `10.98.0.1 -> 10.99.0.1, protocol 1`. */
  readonly text: string;
}

export function trafficOf(packet: Uint8Array): Decoded<Traffic> {
  const ip = decodeIp(packet);
  if (!ip.ok) return refused('inner-malformed', ip.detail);
  const { version, protocol, source, destination, fragment } = ip.value;
  const text = `${source} -> ${destination}, protocol ${protocol}`;
  const [from, to, size, length] =
    version === 4 ? [ipv4At.source, ipv4At.destination, 4, u16At(packet, ipv4At.totalLength)] : [ipv6At.source, ipv6At.destination, 16, ipv6HeaderLength + u16At(packet, ipv6At.payloadLength)];
  return decoded({
    version, addresses: { source, destination }, protocol, ports: ports(ip.value), isFragment: fragment !== undefined,
    source: packet.subarray(from, from + size), destination: packet.subarray(to, to + size), length, text,
  });
}
