/**
 * A host on a real kernel whose program speaks IP itself: it hears what comes in as it comes, fragments and all, and sends whole packets. The kernel finds the
 * way and the neighbours, and keeps its mouth shut.
 */
import type { IpAddress } from '../../../src/core/address.ts';
import type { RawProgram } from '../../../src/sim/raw-node.ts';
import type { LabClock } from './lab-clock.ts';
import type { NetworkNamespace } from './namespace.ts';
import { isIpv4For, PacketSender } from './packet-sender.ts';

/** In front of everything in the kernel that would answer, or put fragments together; packet sockets have heard it by then. */
const deaf = `table ip natt_lab_raw {
  chain nothing_comes_in { type filter hook prerouting priority -500; policy drop; }
}
`;

/** What a timer may be late without anything being wrong. */
const tolerableMs = 5;

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
  readonly #sender: PacketSender;
  #alarm: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ namespace, addresses, program, clock }: RawHostOptions) {
    this.#program = program;
    this.#clock = clock;
    this.#addresses = new Set(addresses);
    namespace.run('nft', ['-f', '-'], deaf);
    this.#sender = new PacketSender(namespace);
  }

  /** It begins when the whole lab stands. */
  begin(): void {
    this.#settle();
  }

  /** A packet that came in by one of the host's interfaces. */
  receive(packet: Uint8Array): void {
    if (this.#closed || !isIpv4For(this.#addresses, packet)) return;
    this.#program.handle(this.#clock.now(), packet);
    this.#settle();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#alarm);
    this.#sender.close();
  }

  #settle(): void {
    for (let packet = this.#program.poll(); packet !== undefined; packet = this.#program.poll()) this.#sender.send(packet);
    clearTimeout(this.#alarm);
    const next = this.#program.nextWake();
    if (next !== undefined) this.#setAlarm(this.#clock.untilMs(next.at), (late) => (late > tolerableMs ? this.#setAlarm(late, () => this.#wake()) : this.#wake()));
  }

  /**
   * A process that had no processor for a while finds its timers due before it looks at what has come in meanwhile, and before others have answered: a wake-up
   * that is late comes as much later again, so that a deadline does not pass unheard.
   */
  #setAlarm(ms: number, ring: (late: number) => void): void {
    const due = performance.now() + ms;
    this.#alarm = setTimeout(() => ring(performance.now() - due), ms);
  }

  #wake(): void {
    if (this.#closed) return;
    this.#program.wake(this.#clock.now());
    this.#settle();
  }
}
