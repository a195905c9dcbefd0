import type { Machine, WakeUp } from '../core/machine.ts';
import type { Instant } from '../core/time.ts';
import { receiveAh } from './ah-inbound.ts';
import { expireByTime } from './expiry.ts';
import { receiveEsp } from './inbound.ts';
import { Kernel, type StackConfig } from './kernel.ts';
import { sendInner } from './outbound.ts';
import { PfkeySocket } from './pfkey-socket.ts';
import type { StackInput, StackOutput } from './ports.ts';
import { describeSpi, type Sa } from './sad.ts';
import { UdpEncapsulation } from './udp-encapsulation.ts';

/** The IPsec stack of a host, what a kernel would hold. How the IKE daemon talks to it: README.md of this folder. */
export class IpsecStack implements Machine<StackInput, StackOutput> {
  readonly #kernel: Kernel;
  readonly #pfkey: PfkeySocket;
  readonly #sockets: UdpEncapsulation;

  constructor(config: StackConfig) {
    this.#kernel = new Kernel(config);
    this.#pfkey = new PfkeySocket(this.#kernel);
    this.#sockets = new UdpEncapsulation(this.#kernel);
  }

  handle(now: Instant, input: StackInput): void {
    this.wake(now); // what was due before the input came
    switch (input.kind) {
      case 'pfkey':
        this.#pfkey.receive(now, input.message);
        break;
      case 'udp-encap':
        this.#sockets.enable(input.port, input.option ?? 'espinudp');
        break;
      case 'datagram':
        this.#sockets.receive(now, input.local, input.peer, input.payload);
        break;
      case 'datagram-down':
        this.#sockets.send(input.local, input.peer, input.payload);
        break;
      case 'esp':
        receiveEsp(this.#kernel, now, { source: input.source, destination: input.destination, arrival: 'plain', packet: input.payload });
        break;
      case 'ah':
        receiveAh(this.#kernel, now, input.packet);
        break;
      case 'outbound':
        sendInner(this.#kernel, now, input.packet);
        break;
    }
  }

  wake(now: Instant): void {
    expireByTime(this.#kernel, now);
    this.#kernel.keepalives.wake(now);
  }

  poll(): StackOutput | undefined {
    return this.#kernel.poll();
  }

  nextWake(): WakeUp | undefined {
    const due = this.#kernel.sad.nextDue();
    const keepalive = this.#kernel.keepalives.nextDue();
    if (keepalive !== undefined && (due === undefined || keepalive.at < due.at)) return { at: keepalive.at, reason: `${describeSpi(keepalive.key.spi)}: NAT keepalive` };
    return due && { at: due.at, reason: reasonOf(due.key) };
  }
}

function reasonOf(sa: Sa): string {
  const ends = { larval: 'the daemon must have filled it', mature: 'its soft or hard lifetime ends', dying: 'its hard lifetime ends' } as const;
  return `${describeSpi(sa.spi)}: ${ends[sa.state]}`;
}
