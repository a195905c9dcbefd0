/** What passes the interfaces of a namespace, both ways, as whole IP packets: the ground truth of the trace (packet(7)). */
import { close } from 'node:fs';
import { promisify } from 'node:util';
import type { Instant } from '../../../src/core/time.ts';
import type { LabClock } from './lab-clock.ts';
import { batch, messageBuffer } from './message-buffer.ts';
import type { NetworkNamespace } from './namespace.ts';
import { growReceiveBuffer } from './netlink.ts';
import type { Poller } from './poller.ts';
import { AF_PACKET, EAGAIN, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM, SO_ATTACH_FILTER, SO_TIMESTAMPNS, SOL_SOCKET, addressOf, setOption, syscalls } from './syscalls.ts';

const ETH_P_ALL = 0x0003;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const PACKET_HOST = 0;
const PACKET_OUTGOING = 4;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const PACKET_AUXDATA = 8;
const TP_STATUS_CSUMNOTREADY = 8;

export interface SeenPacket {
  readonly at: Instant;
  /** The interface's index in its namespace. */
  readonly interface: number;
  readonly direction: 'in' | 'out';
  /** The whole IP packet, header first; the receiver's to keep. */
  readonly bytes: Uint8Array;
  /** Half a transport checksum stands in it: its sender left the rest to a device, and it met none, as between virtual machines. Not on the lab's own links. */
  readonly halfChecksum: boolean;
}

export interface PacketSocketOptions {
  /** Indexes of the interfaces to listen on; nothing of any other is seen. `all`: whatever comes, loopback too. */
  readonly interfaces: readonly number[] | 'all';
  readonly clock: LabClock;
}

export class PacketSocket {
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #receive: (packet: SeenPacket) => void;
  readonly #interfaces: ReadonlySet<number> | 'all';
  readonly #clock: LabClock;
  #closed = false;

  /** Sees every IP packet from the moment the constructor returns. Packets for other hosts, which a bridge floods, are not the host's. */
  constructor(namespace: NetworkNamespace, poller: Poller, { interfaces, clock }: PacketSocketOptions, receive: (packet: SeenPacket) => void) {
    this.#poller = poller;
    this.#receive = receive;
    this.#interfaces = interfaces === 'all' ? 'all' : new Set(interfaces);
    this.#clock = clock;
    const { socket, bind } = syscalls();
    // Protocol 0: it hears nothing until it is bound, when filter and buffer are ready.
    this.#fd = namespace.inside(() => socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    setOption(this.#fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    setOption(this.#fd, SOL_PACKET, PACKET_AUXDATA, 1);
    growReceiveBuffer(this.#fd, 1 << 23);
    onlyIp(this.#fd);
    // ETH_P_ALL and not ETH_P_IP: the kernel shows what its own host sends to nobody else.
    const address = linkAddress(interfaces !== 'all' && interfaces.length === 1 ? interfaces[0]! : 0);
    bind(this.#fd, address, address.length);
    poller.add(this.#fd, () => this.read(batch));
  }

  /** Hands over what is there now, at most so many packets: at the end of a lab, before the trace is closed, all of it. */
  read(atMost = Infinity): void {
    const buffer = messageBuffer();
    for (let count = 0; count < atMost && !this.#closed; count++) {
      const length = buffer.receive(this.#fd, MSG_DONTWAIT);
      if (length === -EAGAIN) return;
      if (length < 0) continue; // ENETDOWN, once, when an interface goes down
      const { address } = buffer;
      const index = address[4]! | (address[5]! << 8) | (address[6]! << 16) | (address[7]! << 24);
      const kind = address[10]!;
      if ((this.#interfaces !== 'all' && !this.#interfaces.has(index)) || (kind !== PACKET_HOST && kind !== PACKET_OUTGOING && !forEverybody(kind))) continue;
      const timestamp = buffer.control(SOL_SOCKET, SO_TIMESTAMPNS);
      this.#receive({
        at: timestamp === undefined ? this.#clock.now() : this.#clock.ofTimestamp(timestamp),
        interface: index,
        direction: kind === PACKET_OUTGOING ? 'out' : 'in',
        bytes: buffer.bytes.slice(0, length),
        halfChecksum: ((buffer.control(SOL_PACKET, PACKET_AUXDATA)?.[0] ?? 0) & TP_STATUS_CSUMNOTREADY) !== 0, // the first octet of struct tpacket_auxdata is tp_status's lowest
      });
    }
  }

  /** How many packets the kernel had no room for since the last time this was asked: the trace is not the whole truth when it is not 0. */
  missed(): number {
    const statistics = new Uint8Array(8);
    const length = new Uint8Array([8, 0, 0, 0]);
    syscalls().getsockopt(this.#fd, SOL_PACKET, PACKET_STATISTICS, statistics, length);
    return new DataView(statistics.buffer).getUint32(4, true);
  }

  /** Resolves when the kernel has let go of it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.remove(this.#fd);
    await closeOnAnotherThread(this.#fd);
  }
}

/** A packet socket's close waits until no processor is still handing it a packet, 10 ms and more; sockets that wait at once wait together. */
const closeOnAnotherThread = promisify(close);

/** PACKET_BROADCAST and PACKET_MULTICAST; 3 is PACKET_OTHERHOST. */
const forEverybody = (kind: number): boolean => kind === 1 || kind === 2;

/** `struct sockaddr_ll`: family, protocol in network order, interface. */
function linkAddress(index: number): Uint8Array {
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, ETH_P_ALL, false);
  address.setInt32(4, index, true);
  return new Uint8Array(address.buffer);
}

/**
 * A classic BPF program that lets IP through and keeps out how neighbours find each other: ARP by its ethertype, and IPv6's counterparts, Neighbor
 * Discovery (RFC 4861: ICMPv6 133–137) and the multicast reports that go with it (RFC 3810, alone in having hop-by-hop options).
 */
function onlyIp(fd: number): void {
  const SKF_AD_PROTOCOL = 0xffff_f000; // the ethertype, whatever the link layer is
  const instructions: readonly (readonly [code: number, ifTrue: number, ifFalse: number, k: number])[] = [
    [0x28, 0, 0, SKF_AD_PROTOCOL], // ldh ethertype
    [0x15, 7, 0, ETH_P_IP], //        jeq IPv4: keep
    [0x15, 0, 7, ETH_P_IPV6], //      jeq IPv6, else drop
    [0x30, 0, 0, 6], //               ldb next header
    [0x15, 5, 0, 0], //               jeq hop-by-hop options: drop
    [0x15, 0, 3, 58], //              jeq ICMPv6, else keep
    [0x30, 0, 0, 40], //              ldb type
    [0x35, 0, 1, 133], //             jge 133, else keep
    [0x25, 0, 1, 137], //             jgt 137: keep, else drop
    [0x06, 0, 0, 0x0004_0000], //     keep
    [0x06, 0, 0, 0], //               drop
  ];
  const program = new DataView(new ArrayBuffer(128));
  instructions.forEach(([code, ifTrue, ifFalse, k], i) => {
    program.setUint16(8 * i, code, true);
    program.setUint8(8 * i + 2, ifTrue);
    program.setUint8(8 * i + 3, ifFalse);
    program.setUint32(8 * i + 4, k, true);
  });
  const memory = new Uint8Array(program.buffer);
  // struct sock_fprog { unsigned short length, struct sock_filter *filter }
  const header = new DataView(new ArrayBuffer(16));
  header.setUint16(0, instructions.length, true);
  header.setBigUint64(8, addressOf(memory), true);
  syscalls().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(header.buffer), 16);
}
