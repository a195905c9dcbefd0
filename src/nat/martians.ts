/** Addresses that no packet comes from, or goes to, across a border (RFC 1812 §5.3.7, RFC 6890). */
import { ipv4FromNumber } from '../core/address.ts';
import { u32At } from '../core/bytes.ts';
import { refused, type Refusal } from '../core/decoded.ts';
import { ipv4At } from '../wire/ipv4.ts';

/** Why an IPv4 packet is none that a box translates: to or from this network, loopback, multicast, what is reserved, limited broadcast. */
export function martianFault(packet: Uint8Array): Refusal | undefined {
  if (!isMartian(packet[ipv4At.source]!) && !isMartian(packet[ipv4At.destination]!)) return undefined;
  return refused('ip-martian', `${ipv4FromNumber(u32At(packet, ipv4At.source))} to ${ipv4FromNumber(u32At(packet, ipv4At.destination))}`);
}

const isMartian = (firstOctet: number): boolean => firstOctet === 0 || firstOctet === 127 || firstOctet >= 224;
