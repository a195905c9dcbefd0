/** A router that forwards some protocols only, as firewalls do that never heard of IPsec (RFC 2979). */
import { decodeIp } from '../wire/ip.ts';
import { protocols } from '../wire/protocols.ts';

export const firewallProtocols = ['udp', 'tcp', 'icmp', 'esp', 'ah'] as const;
export type FirewallProtocol = (typeof firewallProtocols)[number];

/** The numbers that a name stands for in either version of IP: `icmp` is ICMPv6 too. */
export const firewallNumbers: Readonly<Record<FirewallProtocol, readonly number[]>> = {
  udp: [protocols.udp],
  tcp: [protocols.tcp],
  icmp: [protocols.icmp, protocols.icmpv6],
  esp: [protocols.esp],
  ah: [protocols.ah],
};

/** Why a packet is not forwarded; undefined when it is. What is no packet is left to the IP layer. */
export function forbidden(passes: readonly FirewallProtocol[], packet: Uint8Array): string | undefined {
  const ip = decodeIp(packet);
  if (!ip.ok || passes.some((name) => firewallNumbers[name].includes(ip.value.protocol))) return undefined;
  return `protocol ${ip.value.protocol} does not pass: only ${passes.join(', ')}`;
}
