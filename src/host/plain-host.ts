import { isIpv4, type IpAddress } from '../core/address.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { isForPrograms, Programs } from './programs.ts';
import type { EndpointInput, EndpointOutput } from './ports.ts';

/** What runs on a host without IPsec: the same programs, speaking in the clear. */
export class PlainHost implements Machine<EndpointInput, EndpointOutput> {
  readonly #programs: Programs;
  readonly #outputs = new Queue<EndpointOutput>();

  constructor(addresses: readonly IpAddress[], random: Random) {
    this.#programs = new Programs((to) => addresses.find((address) => isIpv4(address) === isIpv4(to)), random);
  }

  handle(now: Instant, input: EndpointInput): void {
    if (input.kind === 'icmp') this.#programs.takeIcmp(now, input.packet);
    if (input.kind === 'local' && !this.#programs.take(now, input.packet, 'to be verified')) this.#outputs.push({ kind: 'unclaimed', packet: input.packet });
    if (input.kind === 'command' && isForPrograms(input.command)) this.#programs.handle(now, input.command);
  }

  wake(now: Instant): void {
    this.#programs.wake(now);
  }

  poll(): EndpointOutput | undefined {
    const unclaimed = this.#outputs.shift();
    if (unclaimed !== undefined) return unclaimed;
    const output = this.#programs.poll();
    switch (output?.kind) {
      case undefined:
        return undefined;
      case 'packet':
        return { kind: 'bypass', packet: output.packet };
      case 'event':
        return { kind: 'event', layer: 'inner', body: output.event };
    }
  }

  nextWake(): WakeUp | undefined {
    return this.#programs.nextWake();
  }
}
