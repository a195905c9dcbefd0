import type { IpAddress } from '../core/address.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Instant } from '../core/time.ts';
import { decodeIpv4 } from '../wire/ipv4.ts';
import type { IpNode } from './ip-node.ts';
import type { NodeInput, NodeOutput } from './node.ts';

/** A program that speaks IP itself: whole IPv4 packets in, for an address of its host, and out. */
export type RawProgram = Machine<Uint8Array, Uint8Array>;

/**
 * A host whose program has raw sockets and nobody beside it: what comes for the host goes to the program as it came, fragments too, and is answered by
 * nobody else. Routes are the IP layer's.
 */
export class RawNode implements Machine<NodeInput, NodeOutput> {
  readonly #ip: IpNode;
  readonly #program: RawProgram;
  readonly #addresses: ReadonlySet<IpAddress>;
  readonly #outputs = new Queue<NodeOutput>();

  constructor(ip: IpNode, program: RawProgram, addresses: readonly IpAddress[]) {
    this.#ip = ip;
    this.#program = program;
    this.#addresses = new Set(addresses);
  }

  handle(now: Instant, input: NodeInput): void {
    if (input.kind !== 'packet') throw new TypeError(`a host of raw sockets takes no ${input.kind}`);
    const ip = decodeIpv4(input.packet);
    if (ip.ok && this.#addresses.has(ip.value.destination)) this.#program.handle(now, input.packet);
    else this.#ip.handle(now, input);
    this.#settle(now);
  }

  wake(now: Instant): void {
    this.#ip.wake(now);
    this.#program.wake(now);
    this.#settle(now);
  }

  poll(): NodeOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const [a, b] = [this.#ip.nextWake(), this.#program.nextWake()];
    return a === undefined || (b !== undefined && b.at < a.at) ? b : a;
  }

  #settle(now: Instant): void {
    for (let packet = this.#program.poll(); packet !== undefined; packet = this.#program.poll()) this.#ip.handle(now, { kind: 'send', packet, clear: true, errors: 'to-sender' });
    for (let output = this.#ip.poll(); output !== undefined; output = this.#ip.poll()) {
      switch (output.kind) {
        case 'transmit':
          this.#outputs.push(output);
          break;
        case 'drop':
          this.#outputs.push({ kind: 'event', layer: 'link', body: output.event });
          break;
        case 'local':
          break; // an ICMP error about a packet of its own: the program waits in vain, and draws its conclusion
        case 'tunnel':
        case 'crossing':
        case 'error':
          throw new TypeError(`a host's IP layer does not put out ${output.kind}`);
      }
    }
  }
}
