/** A daemon that speaks no IKE: it puts the SAs and policies into the stack that it was given, as one does by hand with setkey(8). */
import type { Machine, WakeUp } from '../../src/core/machine.ts';
import { Queue } from '../../src/core/queue.ts';
import type { Random } from '../../src/core/random.ts';
import { Endpoint } from '../../src/host/endpoint.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import type { IkeInput, IkeOutput } from '../../src/ike/ports.ts';
import { IpsecStack } from '../../src/ipsec/stack.ts';
import { encodePfkey } from '../../src/wire/pfkey/linux.ts';
import { saTypes } from '../../src/wire/pfkey/message.ts';
import type { Request } from '../ipsec/host.ts';

class HandKeyed implements Machine<IkeInput, IkeOutput> {
  readonly #outputs = new Queue<IkeOutput>();

  constructor(requests: readonly Request[]) {
    this.#outputs.push({ kind: 'udp-encap', port: 4500 });
    requests.forEach((request, i) => this.#outputs.push({ kind: 'pfkey', message: encodePfkey({ saType: saTypes.ESP, errno: 0, sequence: i + 1, pid: 77, ...request }) }));
  }

  handle(): void {
    // answers and IKE have nobody who listens
  }

  wake(): void {
    // nothing is ever due
  }

  poll(): IkeOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    return undefined;
  }
}

/** An endpoint with our stack and programs, keyed by hand. */
export function handKeyedEndpoint(config: EndpointConfig, requests: readonly Request[], random: Random): Endpoint {
  const { checksumRepair } = config;
  const stack = new IpsecStack({ addresses: [config.ike.address], random: random.fork('ipsec'), ...(checksumRepair && { checksumRepair }) });
  return new Endpoint(config, { daemon: new HandKeyed(requests), stack }, random);
}
