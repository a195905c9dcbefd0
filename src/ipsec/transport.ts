/** Transport mode (RFC 4301 §4.1): what of a host's own packet is protected, and the packet that comes of it at the other end. */
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import { encodeIp } from '../wire/ip.ts';
import { ipv4HeaderLength, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { ipv6At, ipv6HeaderLength } from '../wire/ipv6.ts';
import { protocols } from '../wire/protocols.ts';
import type { Addresses } from '../wire/pseudo-header.ts';
import type { Traffic } from './traffic.ts';

/** What follows an IP header, and the number that the header has for it. */
export interface Carried {
  readonly payload: Uint8Array;
  readonly nextHeader: number;
}

/** What an SA in transport mode carries of a packet: all behind its IP header. A view. */
export function takeHeaderOff(packet: Uint8Array, { version, protocol, isFragment, length, text }: Traffic, by: 'esp' | 'ah'): Decoded<Carried> {
  if (isFragment) return refused('policy-discard', `${text}: transport mode is for whole datagrams, and this is a fragment (RFC ${by === 'esp' ? '4303 §3.3.4' : '4302 §3.3.4'})`);
  if (version === 6 && by === 'ah' && !followsAh(packet[ipv6At.nextHeader]!)) return refused('policy-discard', `${text}: its extension headers would have to stand in front of AH`);
  if (version === 6) return decoded({ payload: packet.subarray(ipv6HeaderLength, length), nextHeader: packet[ipv6At.nextHeader]! });
  const headerLength = ipv4HeaderLengthOf(packet);
  if (by === 'esp' && headerLength > ipv4HeaderLength) return refused('policy-discard', `${text}: its IP options would be lost in transport mode`); // the host writes ESP's header
  return decoded({ payload: packet.subarray(headerLength, length), nextHeader: protocol });
}

/** RFC 4302 §3.1.1: hop-by-hop, routing and fragment headers come before AH. */
const followsAh = (nextHeader: number): boolean => nextHeader !== protocols.hopByHop && nextHeader !== protocols.routing && nextHeader !== protocols.fragment;

/** RFC 3948 §3.1.1, RFC 4303 §3.1.1: the packet whose header was the outer one; length, protocol and header checksum say what is in it now. */
export const putHeaderOn = ({ source, destination }: Addresses, { payload, nextHeader }: Carried): Uint8Array => encodeIp({ source, destination, protocol: nextHeader, payload });
