/**
 * RFC 3948 §3.1.2: a NAT has changed addresses that the checksums of TCP and UDP cover, and could not mend them inside ESP. What is done about it
 * at the end of an SA in transport mode, by the names of this lab; systems differ.
 */
import { addressBytes, type IpAddress } from '../core/address.ts';
import { setU16, u16At } from '../core/bytes.ts';
import { adjustedBytes, complement, wordSum } from '../wire/checksum.ts';
import { decodeIp, type IpPacket } from '../wire/ip.ts';
import { protocols } from '../wire/protocols.ts';
import { pseudoHeaderSum } from '../wire/pseudo-header.ts';
import { tcpAt, tcpHeaderLength } from '../wire/tcp.ts';
import { asUdpChecksum, udpAt, udpHeaderLength } from '../wire/udp.ts';

/**
 * `adjust`: by the difference of the addresses, where the original ones are known (case a). `recompute`: anew, whatever it was (case b).
 * `zero-udp-trust-tcp`: a UDP checksum is taken away, a TCP checksum is not looked at (case c). `none`: as if RFC 3948 did not ask for it.
 */
export type ChecksumRepair = 'adjust' | 'recompute' | 'zero-udp-trust-tcp' | 'none';

/** The addresses that the sender wrote into its packets and made its checksums over, as far as they are known (NAT-OA). */
export interface OriginalAddresses {
  readonly source: IpAddress | undefined;
  readonly destination: IpAddress | undefined;
}

/** Whether the receiver is to look at the checksum of TCP or UDP: `trusted` where the ICV of ESP stands for it. */
export type ChecksumTrust = 'to be verified' | 'trusted';

const fields: Readonly<Record<number, { readonly at: number; readonly headerLength: number }>> = {
  [protocols.udp]: { at: udpAt.checksum, headerLength: udpHeaderLength },
  [protocols.tcp]: { at: tcpAt.checksum, headerLength: tcpHeaderLength },
};

/** Mends, in place, the checksum of a whole packet under the header that it arrived with. One that is no TCP or UDP, or too short, is left alone. */
export function repairChecksum(how: ChecksumRepair, packet: Uint8Array, originals: OriginalAddresses): ChecksumTrust {
  const ip = decodeIp(packet);
  const field = ip.ok && ip.value.fragment === undefined ? fields[ip.value.protocol] : undefined;
  if (!ip.ok || field === undefined || ip.value.payload.length < field.headerLength) return 'to be verified';
  const { protocol, payload, version } = ip.value;
  const isUdp = protocol === protocols.udp;
  const was = u16At(payload, field.at);
  if (isUdp && was === 0) return 'to be verified'; // there is none, which IPv4 allows
  const put = (checksum: number): void => setU16(payload, field.at, isUdp ? asUdpChecksum(checksum) : checksum);
  switch (how) {
    case 'adjust':
      put(adjusted(was, ip.value, originals));
      return 'to be verified';
    case 'recompute':
      put(recomputed(ip.value, field.at));
      return 'to be verified';
    case 'zero-udp-trust-tcp':
      if (!isUdp || version === 6) return 'trusted'; // RFC 8200 §8.1: over IPv6 a UDP checksum may not be zero
      setU16(payload, field.at, 0);
      return 'to be verified';
    case 'none':
      return 'to be verified';
  }
}

/** RFC 3948 §3.1.2 a. Where an original address is not known, or is the one that arrived, there is nothing to take out and to put in. */
function adjusted(checksum: number, { source, destination }: IpPacket, originals: OriginalAddresses): number {
  const ends = [[originals.source, source], [originals.destination, destination]] as const;
  return ends.reduce((sum, [original, arrived]) => (original === undefined || original === arrived ? sum : adjustedBytes(sum, addressBytes(original), addressBytes(arrived))), checksum);
}

/** RFC 3948 §3.1.2 b. */
function recomputed(ip: IpPacket, at: number): number {
  const { payload, protocol } = ip;
  const length = protocol === protocols.udp ? Math.max(udpHeaderLength, Math.min(payload.length, u16At(payload, udpAt.length))) : payload.length;
  return complement(wordSum(payload, 0, length) - u16At(payload, at) + pseudoHeaderSum(ip, protocol, length));
}
