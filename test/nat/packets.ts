/** Packets for the tests of the box, in words: `udp('10.0.0.2:500', '203.0.113.5:500')`. */
import { ip, ipv4FromNumber, type Endpoint } from '../../src/core/address.ts';
import { setU16, u16At, u32At } from '../../src/core/bytes.ts';
import { checksum, complement, folded, wordSum } from '../../src/wire/checksum.ts';
import { encodeIcmp, type IcmpMessage } from '../../src/wire/icmp.ts';
import { encodeIpv4, ipv4HeaderLengthOf, type Ipv4Fields } from '../../src/wire/ipv4.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { pseudoHeaderSum } from '../../src/wire/pseudo-header.ts';
import { encodeUdp } from '../../src/wire/udp.ts';

export function endpoint(text: string): Endpoint {
  const [address = '', port = ''] = text.split(':');
  return { address: ip(address), port: Number(port) };
}

type Extra = Partial<Omit<Ipv4Fields, 'payload' | 'source' | 'destination'>>;

export function udp(from: string, to: string, { payload = Uint8Array.of(0xff), checksum = 'computed', ...extra }: Extra & { payload?: Uint8Array; checksum?: 'computed' | 'zero' } = {}): Uint8Array {
  const source = endpoint(from);
  const destination = endpoint(to);
  const addresses = { source: source.address, destination: destination.address };
  return encodeIpv4({ ...addresses, protocol: protocols.udp, ...extra, payload: encodeUdp({ sourcePort: source.port, destinationPort: destination.port, payload }, addresses, checksum) });
}

export type TcpFlag = 'fin' | 'syn' | 'rst' | 'ack';
const tcpFlags: Record<TcpFlag, number> = { fin: 1, syn: 2, rst: 4, ack: 16 };

export function tcp(from: string, to: string, flags: readonly TcpFlag[], payload: Uint8Array = new Uint8Array()): Uint8Array {
  const source = endpoint(from);
  const destination = endpoint(to);
  const addresses = { source: source.address, destination: destination.address };
  const segment = new Uint8Array(20 + payload.length);
  setU16(segment, 0, source.port);
  setU16(segment, 2, destination.port);
  segment[12] = 5 << 4;
  segment[13] = flags.reduce((sum, flag) => sum | tcpFlags[flag], 0);
  setU16(segment, 14, 65535);
  segment.set(payload, 20);
  setU16(segment, 16, complement(wordSum(segment) + pseudoHeaderSum(addresses, protocols.tcp, segment.length)));
  return encodeIpv4({ ...addresses, protocol: protocols.tcp, payload: segment });
}

export const icmp = (from: string, to: string, message: IcmpMessage): Uint8Array =>
  encodeIpv4({ source: ip(from), destination: ip(to), protocol: protocols.icmp, payload: encodeIcmp(message) });

export const echo = (from: string, to: string, identifier: number, kind: 'echo-request' | 'echo-reply' = 'echo-request'): Uint8Array =>
  icmp(from, to, { kind, identifier, sequence: 1, data: Uint8Array.of(1, 2, 3) });

export const esp = (from: string, to: string, spi = 0x1001): Uint8Array =>
  encodeIpv4({ source: ip(from), destination: ip(to), protocol: protocols.esp, payload: Uint8Array.of(spi >>> 24, spi >>> 16, spi >>> 8, spi, 0, 0, 0, 1, 0xaa, 0xbb, 0xcc, 0xdd) });

/** `udp 10.0.0.2:500 > 203.0.113.5:500`, `udp:zero …`, `udp:wrong …`, `error … > … about udp …`: read from the bytes, what a test expects of a packet. */
export function told(packet: Uint8Array): string {
  const at = ipv4HeaderLengthOf(packet);
  const source = ipv4FromNumber(u32At(packet, 12));
  const destination = ipv4FromNumber(u32At(packet, 16));
  switch (packet[9]) {
    case protocols.udp: {
      const checksum = u16At(packet, at + 6) === 0 ? ':zero' : wrongChecksums(packet).includes('udp') ? ':wrong' : '';
      return `udp${checksum} ${source}:${u16At(packet, at)} > ${destination}:${u16At(packet, at + 2)}`;
    }
    case protocols.tcp:
      return `tcp ${source}:${u16At(packet, at)} > ${destination}:${u16At(packet, at + 2)}`;
    case protocols.icmp:
      if (packet[at] === 3) return `error ${source} > ${destination} about ${told(packet.subarray(at + 8))}`;
      return `icmp ${source} > ${destination} type ${packet[at]!} id ${u16At(packet, at + 4)}`;
    default:
      return `${packet[9] === protocols.esp ? 'esp' : String(packet[9])} ${source} > ${destination}`;
  }
}

/** Recomputes every checksum of a packet from scratch; the names of those that are wrong. */
export function wrongChecksums(packet: Uint8Array): string[] {
  const wrong: string[] = [];
  const at = ipv4HeaderLengthOf(packet);
  if (folded(wordSum(packet, 0, at)) !== 0xffff) wrong.push('ip');
  const addresses = { source: ipv4FromNumber(u32At(packet, 12)), destination: ipv4FromNumber(u32At(packet, 16)) };
  const payload = packet.subarray(at);
  const covered = folded(wordSum(payload) + pseudoHeaderSum(addresses, packet[9]!, payload.length));
  if (packet[9] === protocols.udp && u16At(payload, 6) !== 0 && covered !== 0xffff) wrong.push('udp');
  if (packet[9] === protocols.tcp && covered !== 0xffff) wrong.push('tcp');
  if (packet[9] === protocols.icmp && checksum(payload) !== 0) wrong.push('icmp');
  return wrong;
}
