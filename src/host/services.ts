/** What the programs over UDP and TCP have in common: ports, and what they make of a packet. */
import { isIpv4, type Endpoint, type IpAddress } from '../core/address.ts';
import type { DropReason } from '../core/drop.ts';
import type { DropEvent, ProgramEvent } from '../core/events.ts';
import { below, type Random } from '../core/random.ts';
import type { ChecksumTrust } from '../ipsec/checksum-repair.ts';
import type { IpPacket } from '../wire/ip.ts';

/** The echo service's own port (RFC 862). */
export const echoPort = 7;

/** A packet that is for this host. */
export interface Arrival {
  readonly ip: IpPacket;
  readonly packet: Uint8Array;
  readonly checksum: ChecksumTrust;
}

/** A whole IP packet to be sent as policy says, or what has happened. */
export type ProgramOutput = { readonly kind: 'packet'; readonly packet: Uint8Array } | { readonly kind: 'event'; readonly event: ProgramEvent | DropEvent };

/** The address that packets to a destination are sent from, as of now. */
export type SourceFor = (to: IpAddress) => IpAddress | undefined;

/** What is told of a source that there is none. */
export const unspecified = (to: IpAddress): IpAddress => (isIpv4(to) ? '0.0.0.0' : '::') as IpAddress;

/** RFC 6335 §6: the dynamic ports. */
export const dynamicPort = (random: Random): number => 0xc000 + below(random, 0x4000);

/** Names a pair of sockets. */
export const pathOf = (local: Endpoint, peer: Endpoint): string => `${local.address} ${local.port} ${peer.address} ${peer.port}`;

/** RFC 1122 §4.1.3.4: silently discarded, which a trace does not: whose checksum it was, and what a wrong one tells here. */
export function dropped({ packet, ip: { source, destination } }: Arrival, reason: DropReason, detail: string): ProgramOutput {
  const isChecksum = reason === 'udp-checksum' || reason === 'tcp-checksum';
  const event: DropEvent = { kind: 'drop', reason: isChecksum ? 'inner-checksum' : reason, detail: isChecksum ? `${reason === 'udp-checksum' ? 'UDP' : 'TCP'} ${detail}: not made over ${source} -> ${destination}` : detail, bytes: packet };
  return { kind: 'event', event };
}
