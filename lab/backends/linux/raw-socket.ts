/** A raw IP socket in a namespace for a protocol without ports, ESP above all: payloads in, payloads out; the kernel makes the IP header. */
import type { IpAddress } from '../../../src/core/address.ts';
import { addressBytes, addressFromBytes } from '../../../src/core/address.ts';
import { decodeIp } from '../../../src/wire/ip.ts';
import { ipv6HeaderLength } from '../../../src/wire/ipv6.ts';
import { batch, messageBuffer } from './message-buffer.ts';
import type { NetworkNamespace } from './namespace.ts';
import { growReceiveBuffer } from './netlink.ts';
import type { Poller } from './poller.ts';
import { readSocketAddress, socketAddress } from './socket-address.ts';
import { AF_INET, AF_INET6, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW, errorName, setOption, syscalls } from './syscalls.ts';

const IPPROTO_IP = 0;
const IP_HDRINCL = 3;
const IP_PKTINFO = 8;
const IPPROTO_IPV6 = 41;
const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;

export const IPPROTO_ICMP = 1;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_ICMPV6 = 58;

export interface RawPacket {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** What follows the IP header; the receiver's to keep. */
  readonly payload: Uint8Array;
}

/** `header`: the IPv4 header as it arrived, options included; IPv6 keeps its own to itself (RFC 3542 §3). */
export type ReceivedPacket = RawPacket & { readonly header?: Uint8Array };

export class RawSocket {
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #v4: boolean;
  #closed = false;

  /** Receives what is addressed to the host, put together again where it came in fragments. */
  constructor(namespace: NetworkNamespace, poller: Poller, { protocol, family }: { readonly protocol: number; readonly family: 4 | 6 }, receive: (packet: ReceivedPacket) => void) {
    this.#poller = poller;
    this.#v4 = family === 4;
    this.#fd = namespace.inside(() => syscalls().socket(this.#v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!this.#v4) setOption(this.#fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    growReceiveBuffer(this.#fd, 1 << 21);
    poller.add(this.#fd, () => this.#read(receive));
  }

  /** What the kernel refuses is lost, as on any network; the errno's name says why. */
  send({ source, destination, payload }: RawPacket): 'sent' | (string & {}) {
    if (this.#closed) return 'EBADF';
    const value = new Uint8Array(this.#v4 ? 12 : 20);
    value.set(addressBytes(source), this.#v4 ? 4 : 0);
    const control = this.#v4 ? { level: IPPROTO_IP, type: IP_PKTINFO, value } : { level: IPPROTO_IPV6, type: IPV6_PKTINFO, value };
    const sent = messageBuffer().send(this.#fd, socketAddress({ address: destination, port: 0 }), payload, control);
    return sent < 0 ? errorName(-sent) : 'sent';
  }

  /**
   * A whole packet: with IPv4 it leaves under the header that it has, but for the checksum, which the kernel makes; with IPv6 the kernel writes the same
   * addresses into one of its own.
   */
  sendWhole(packet: Uint8Array): 'sent' | (string & {}) {
    const ip = decodeIp(packet);
    if (!ip.ok) throw new TypeError(ip.detail);
    const { source, destination } = ip.value;
    if (!this.#v4) return this.send({ source, destination, payload: packet.subarray(ipv6HeaderLength) });
    setOption(this.#fd, IPPROTO_IP, IP_HDRINCL, 1);
    const sent = this.send({ source, destination, payload: packet });
    setOption(this.#fd, IPPROTO_IP, IP_HDRINCL, 0);
    return sent;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.remove(this.#fd);
    syscalls().close(this.#fd);
  }

  #read(receive: (packet: ReceivedPacket) => void): void {
    const buffer = messageBuffer();
    for (let count = 0; count < batch && !this.#closed; count++) {
      const length = buffer.receive(this.#fd, MSG_DONTWAIT);
      if (length < 0) return;
      const source = readSocketAddress(buffer.address).address;
      if (this.#v4) {
        // IPv4 hands over its header, IPv6 does not (raw(7), RFC 3542 §3)
        const header = (buffer.bytes[0]! & 15) * 4;
        receive({ source, destination: addressFromBytes(buffer.bytes.subarray(16, 20)), header: buffer.bytes.slice(0, header), payload: buffer.bytes.slice(header, length) });
      } else {
        const info = buffer.control(IPPROTO_IPV6, IPV6_PKTINFO);
        if (info !== undefined) receive({ source, destination: addressFromBytes(info.subarray(0, 16)), payload: buffer.bytes.slice(0, length) });
      }
    }
  }
}
