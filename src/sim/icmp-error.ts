import type { IpAddress } from '../core/address.ts';
import { concat, fromHex } from '../core/bytes.ts';
import { encodeIcmp, mayAnswerWithError, unreachableCodes, type IcmpMessage } from '../wire/icmp.ts';
import { encodeIcmpv6, type Icmpv6Message } from '../wire/icmpv6.ts';
import { encodeIp, type IpPacket } from '../wire/ip.ts';
import { decodeIpv4 } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';

/** What went wrong with a packet, as its sender is told. */
export type Fault = 'ttl-expired' | 'no-route' | 'no-neighbour' | 'no-protocol' | 'no-port' | 'reassembly-timeout' | { readonly tooBigFor: number };

/** A whole packet from `from` to the sender of `about`; undefined where an error must not be answered with one (RFC 1122 §3.2.2, RFC 4443 §2.4 e). */
export function icmpErrorPacket(fault: Fault, about: Uint8Array, { version, source, protocol, payload }: IpPacket, from: IpAddress): Uint8Array | undefined {
  if (version === 4) {
    const packet = decodeIpv4(about);
    if (!packet.ok || !mayAnswerWithError(packet.value)) return undefined;
    return encodeIp({ source: from, destination: source, protocol: protocols.icmp, payload: encodeIcmp(errorOf(fault, about)) });
  }
  const isError = protocol === protocols.icmpv6 && payload[0]! < 128;
  if (isError || source === '::' || source.startsWith('ff')) return undefined;
  return encodeIp({ source: from, destination: source, protocol: protocols.icmpv6, payload: encodeIcmpv6(errorOfVersion6(fault, about), { source: from, destination: source }) });
}

/** RFC 792; RFC 1812 §4.3.3.1 and §5.2.7.1 for the codes; RFC 1191 for the MTU. */
function errorOf(fault: Fault, quoted: Uint8Array): IcmpMessage {
  switch (fault) {
    case 'ttl-expired':
      return { kind: 'time-exceeded', what: 'ttl', quoted };
    case 'reassembly-timeout':
      return { kind: 'time-exceeded', what: 'reassembly', quoted };
    case 'no-route':
      return { kind: 'unreachable', code: unreachableCodes.network, quoted };
    case 'no-neighbour':
      return { kind: 'unreachable', code: unreachableCodes.host, quoted };
    case 'no-protocol':
      return { kind: 'unreachable', code: unreachableCodes.protocol, quoted };
    case 'no-port':
      return { kind: 'unreachable', code: unreachableCodes.port, quoted };
    default:
      return { kind: 'fragmentation-needed', mtu: fault.tooBigFor, quoted };
  }
}

/** RFC 4443 §3. */
function errorOfVersion6(fault: Fault, quoted: Uint8Array): Icmpv6Message {
  switch (fault) {
    case 'ttl-expired':
      return { kind: 'time-exceeded', what: 'ttl', quoted };
    case 'reassembly-timeout':
      return { kind: 'time-exceeded', what: 'reassembly', quoted };
    case 'no-route':
      return { kind: 'unreachable', code: 0, quoted };
    case 'no-neighbour':
      return { kind: 'unreachable', code: 3, quoted };
    case 'no-port':
      return { kind: 'unreachable', code: 4, quoted };
    case 'no-protocol': // a parameter problem: unrecognized next header, at octet 6 of the IPv6 header
      return { kind: 'other', type: 4, code: 1, rest: concat(fromHex('00000006'), quoted.subarray(0, 1280 - 48)) };
    default:
      return { kind: 'packet-too-big', mtu: fault.tooBigFor, quoted };
  }
}
