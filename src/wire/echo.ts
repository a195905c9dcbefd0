/** ICMP echo (RFC 792, RFC 4443 §4) where the version of IP does not matter. */
import { isIpv4 } from '../core/address.ts';
import { decodeIcmp, encodeIcmp, type IcmpEcho, type IcmpMessage } from './icmp.ts';
import { decodeIcmpv6, encodeIcmpv6, type Icmpv6Message } from './icmpv6.ts';
import { encodeIp, type IpPacket } from './ip.ts';
import { decodeQuotedIpv4, encodeIpv4 } from './ipv4.ts';
import { decodeIpv6 } from './ipv6.ts';
import { protocols } from './protocols.ts';
import type { Addresses } from './pseudo-header.ts';
import type { Decoded } from '../core/decoded.ts';

/** A whole IP packet with an echo request or reply. `identification` is IPv4's. */
export function encodeEchoPacket({ source, destination }: Addresses, echo: IcmpEcho, identification = 0): Uint8Array {
  return isIpv4(source)
    ? encodeIpv4({ source, destination, protocol: protocols.icmp, identification, payload: encodeIcmp(echo) })
    : encodeIp({ source, destination, protocol: protocols.icmpv6, payload: encodeIcmpv6(echo, { source, destination }) });
}

/** Whether the packet carries the ICMP of its own version of IP; the other's is an unknown protocol to it. */
export const carriesIcmp = ({ version, protocol }: Pick<IpPacket, 'version' | 'protocol'>): boolean => protocol === (version === 4 ? protocols.icmp : protocols.icmpv6);

/** The message in a packet of which `carriesIcmp` holds. */
export const decodeIcmpOf = (packet: IpPacket): Decoded<IcmpMessage | Icmpv6Message> => (packet.version === 4 ? decodeIcmp(packet.payload) : decodeIcmpv6(packet.payload, packet));

/** The echo request that an ICMP error quotes, as far as it was quoted; undefined when it quotes something else. */
export function quotedEchoRequest(error: IcmpMessage | Icmpv6Message, version: 4 | 6): { readonly identifier: number; readonly sequence: number } | undefined {
  if (!('quoted' in error)) return undefined;
  const [quoted, type] = version === 4 ? [decodeQuotedIpv4(error.quoted), 8] : [decodeIpv6(error.quoted), 128];
  if (!quoted.ok || quoted.value.payload.length < 8 || quoted.value.payload[0] !== type) return undefined;
  const { payload } = quoted.value;
  return { identifier: (payload[4]! << 8) | payload[5]!, sequence: (payload[6]! << 8) | payload[7]! };
}
