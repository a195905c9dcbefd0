/**
 * A host on a real kernel whose program speaks IP itself: it hears what comes in as it comes, fragments and all, and sends whole packets. The kernel finds the
 * way and the neighbours, and keeps its mouth shut.
 */
import { addressFromBytes } from '../../../src/core/address.ts';
import type { IpAddress } from '../../../src/core/address.ts';
import { ipv4At } from '../../../src/wire/ipv4.ts';
import type { RawProgram } from '../../../src/sim/raw-node.ts';
import type { LabClock } from './lab-clock.ts';
import type { NetworkNamespace } from './namespace.ts';
import { socketAddress } from './socket-address.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_RAW, syscalls } from './syscalls.ts';

/** What is sent there has its IP header already (raw(7)). */
const IPPROTO_RAW = 255;

/** In front of everything in the kernel that would answer, or put fragments together; packet sockets have heard it by then. */
const deaf = `table ip natt_lab_raw {
  chain nothing_comes_in { type filter hook prerouting priority -500; policy drop; }
}
`;

export interface RawHostOptions {
  readonly namespace: NetworkNamespace;
  readonly addresses: readonly IpAddress[];
  readonly program: RawProgram;
  readonly clock: LabClock;
}

export class RawHost {
  readonly #program: RawProgram;
  readonly #clock: LabClock;
  readonly #addresses: ReadonlySet<IpAddress>;
  readonly #fd: number;
  #alarm: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ namespace, addresses, program, clock }: RawHostOptions) {
    this.#program = program;
    this.#clock = clock;
    this.#addresses = new Set(addresses);
    namespace.run('nft', ['-f', '-'], deaf);
    this.#fd = namespace.inside(() => syscalls().socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  }

  /** It begins when the whole lab stands. */
  begin(): void {
    this.#settle();
  }

  /** A packet that came in by one of the host's interfaces. */
  receive(packet: Uint8Array): void {
    if (this.#closed || packet.length < 20 || packet[0]! >>> 4 !== 4 || !this.#addresses.has(addressFromBytes(packet.subarray(ipv4At.destination, ipv4At.destination + 4)))) return;
    this.#program.handle(this.#clock.now(), packet);
    this.#settle();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#alarm);
    syscalls().close(this.#fd);
  }

  #settle(): void {
    for (let packet = this.#program.poll(); packet !== undefined; packet = this.#program.poll()) {
      const to = socketAddress({ address: addressFromBytes(packet.subarray(ipv4At.destination, ipv4At.destination + 4)), port: 0 });
      syscalls().sendto(this.#fd, packet, packet.length, 0, to, to.length); // what the kernel refuses is lost, as on any network
    }
    clearTimeout(this.#alarm);
    const next = this.#program.nextWake();
    if (next !== undefined) this.#alarm = setTimeout(() => this.#wake(), this.#clock.untilMs(next.at));
  }

  #wake(): void {
    if (this.#closed) return;
    this.#program.wake(this.#clock.now());
    this.#settle();
  }
}
