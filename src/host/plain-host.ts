import { isIpv4, type IpAddress } from '../core/address.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { Pings } from './ping.ts';
import type { EndpointInput, EndpointOutput } from './ports.ts';

/** What runs on a host without IPsec: the same programs, speaking in the clear. */
export class PlainHost implements Machine<EndpointInput, EndpointOutput> {
  readonly #pings: Pings;

  constructor(addresses: readonly IpAddress[], random: Random) {
    this.#pings = new Pings((to) => addresses.find((address) => isIpv4(address) === isIpv4(to)), random.fork('ping'));
  }

  handle(now: Instant, input: EndpointInput): void {
    if (input.kind === 'icmp') this.#pings.take(now, input.packet);
    if (input.kind === 'command' && input.command.kind === 'ping') this.#pings.handle(now, input.command);
  }

  wake(now: Instant): void {
    this.#pings.wake(now);
  }

  poll(): EndpointOutput | undefined {
    const output = this.#pings.poll();
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
    return this.#pings.nextWake();
  }
}
