/** Whole IPv4 packets, or fragments, out of a namespace as they are; its kernel finds the way and the neighbour (raw(7)). */
import { addressFromBytes } from '../../../src/core/address.ts';
import type { IpAddress } from '../../../src/core/address.ts';
import { ipv4At } from '../../../src/wire/ipv4.ts';
import type { NetworkNamespace } from './namespace.ts';
import { socketAddress } from './socket-address.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_RAW, syscalls } from './syscalls.ts';

/** What is sent there has its IP header already. */
const IPPROTO_RAW = 255;

export class PacketSender {
  readonly #fd: number;

  constructor(namespace: NetworkNamespace) {
    this.#fd = namespace.inside(() => syscalls().socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  }

  /** What the kernel refuses is lost, as on any network. */
  send(packet: Uint8Array): void {
    const to = socketAddress({ address: ipv4Destination(packet), port: 0 });
    syscalls().sendto(this.#fd, packet, packet.length, 0, to, to.length);
  }

  close(): void {
    syscalls().close(this.#fd);
  }
}

export const ipv4Destination = (packet: Uint8Array): IpAddress => addressFromBytes(packet.subarray(ipv4At.destination, ipv4At.destination + 4));

/** Whether octets that came in are an IPv4 packet for one of these; what else is wrong with it is for its receiver to say. */
export const isIpv4For = (addresses: ReadonlySet<IpAddress>, packet: Uint8Array): boolean => packet.length >= 20 && packet[0]! >>> 4 === 4 && addresses.has(ipv4Destination(packet));
