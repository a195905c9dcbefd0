/** A UDP socket in a namespace, as an IKE daemon wants it: knows the local address of every datagram, and can leave the checksum out. */
import type { Endpoint } from '../../../src/core/address.ts';
import { addressBytes, addressFromBytes, isIpv4 } from '../../../src/core/address.ts';
import { batch, messageBuffer } from './message-buffer.ts';
import type { NetworkNamespace } from './namespace.ts';
import { growReceiveBuffer } from './netlink.ts';
import type { Poller } from './poller.ts';
import { readSocketAddress, socketAddress, socketAddressSpace } from './socket-address.ts';
import {
  AF_INET, AF_INET6, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM, SO_NO_CHECK, SO_REUSEADDR, SOL_SOCKET, SystemError, errorName, int32, setOption, syscalls,
} from './syscalls.ts';

const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const IPV6_RECVPKTINFO = 49;
const IPV6_PKTINFO = 50;
const SOL_UDP = 17;
const UDP_NO_CHECK6_TX = 101;

export interface Datagram {
  /** Where it was sent to: the address of this host, not the wildcard that the socket may be bound to. */
  readonly local: Endpoint;
  readonly peer: Endpoint;
  /** The receiver's to keep. */
  readonly payload: Uint8Array;
}

export class UdpSocket {
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #v4: boolean;
  readonly local: Endpoint;
  #checksum = true;
  #closed = false;

  /** Binds in the namespace; port 0 lets the kernel choose one. `0.0.0.0` and `::` receive for every address of the host. */
  constructor(namespace: NetworkNamespace, poller: Poller, bound: Endpoint, receive: (datagram: Datagram) => void) {
    const { socket, bind, getsockname, close } = syscalls();
    this.#v4 = isIpv4(bound.address);
    this.#poller = poller;
    this.#fd = namespace.inside(() => socket(this.#v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    try {
      setOption(this.#fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (this.#v4) {
        setOption(this.#fd, IPPROTO_IP, IP_PKTINFO, 1);
      } else {
        setOption(this.#fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        setOption(this.#fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      }
      growReceiveBuffer(this.#fd, 1 << 21);
      const address = socketAddress(bound);
      bind(this.#fd, address, address.length);
      const name = new Uint8Array(socketAddressSpace);
      getsockname(this.#fd, name, int32(name.length));
      this.local = readSocketAddress(name);
    } catch (error) {
      close(this.#fd);
      throw error instanceof SystemError ? new SystemError(error.syscall, error.errno, `UDP ${bound.address} port ${bound.port}`) : error;
    }
    poller.add(this.#fd, () => this.#read(receive));
  }

  /**
   * Sends from the socket's port, and from the address given where the socket is bound to a wildcard. `zero` leaves the UDP checksum
   * out, as RFC 3948 §2.1 asks for ESP. A datagram that the kernel refuses (no route, filtered, too big) is lost, as on any network; the
   * errno's name says why.
   */
  send(peer: Endpoint, payload: Uint8Array, { checksum = 'computed', from }: { readonly checksum?: 'computed' | 'zero'; readonly from?: Endpoint['address'] } = {}): 'sent' | (string & {}) {
    if (this.#closed) return 'EBADF';
    if (this.#checksum !== (checksum === 'computed')) {
      this.#checksum = checksum === 'computed';
      const leaveOut = this.#checksum ? 0 : 1;
      if (this.#v4) setOption(this.#fd, SOL_SOCKET, SO_NO_CHECK, leaveOut);
      else setOption(this.#fd, SOL_UDP, UDP_NO_CHECK6_TX, leaveOut);
    }
    const to = socketAddress(peer);
    const sent =
      from === undefined
        ? syscalls().sendto(this.#fd, payload, payload.length, 0, to, to.length)
        : messageBuffer().send(this.#fd, to, payload, this.#sourceAddress(from));
    return sent < 0 ? errorName(-sent) : 'sent';
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.remove(this.#fd);
    syscalls().close(this.#fd);
  }

  #read(receive: (datagram: Datagram) => void): void {
    const buffer = messageBuffer();
    // An ICMP error that came in for an earlier datagram is reported as the errno of a read; the daemon's timers deal with the loss.
    for (let count = 0; count < batch && !this.#closed; count++) {
      const length = buffer.receive(this.#fd, MSG_DONTWAIT);
      if (length < 0) return;
      receive({ local: this.#localAddress(), peer: readSocketAddress(buffer.address), payload: buffer.bytes.slice(0, length) });
    }
  }

  /** `struct in_pktinfo`: interface, the address to answer from, the address in the header; `in6_pktinfo`: address, interface. */
  #localAddress(): Endpoint {
    const info = this.#v4 ? messageBuffer().control(IPPROTO_IP, IP_PKTINFO)?.subarray(8, 12) : messageBuffer().control(IPPROTO_IPV6, IPV6_PKTINFO)?.subarray(0, 16);
    return info === undefined ? this.local : { address: addressFromBytes(info), port: this.local.port };
  }

  #sourceAddress(address: Endpoint['address']): { level: number; type: number; value: Uint8Array } {
    const value = new Uint8Array(this.#v4 ? 12 : 20);
    value.set(addressBytes(address), this.#v4 ? 4 : 0);
    return this.#v4 ? { level: IPPROTO_IP, type: IP_PKTINFO, value } : { level: IPPROTO_IPV6, type: IPV6_PKTINFO, value };
  }
}
