import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Instant } from '../core/time.ts';
import { carriesIcmp } from '../wire/echo.ts';
import { protocols } from '../wire/protocols.ts';
import type { IpNode, LocalPacket } from './ip-node.ts';
import type { NodeInput, NodeOutput } from './node.ts';

/** A router: its IP layer and nothing on top. It answers echo requests; whatever else is meant for it finds nobody at home. */
export class RouterNode implements Machine<NodeInput, NodeOutput> {
  readonly #ip: IpNode;
  readonly #outputs = new Queue<NodeOutput>();

  constructor(ip: IpNode) {
    this.#ip = ip;
  }

  handle(now: Instant, input: NodeInput): void {
    if (input.kind !== 'packet') throw new TypeError(`a router takes no ${input.kind}`);
    this.#ip.handle(now, input);
    this.#settle(now);
  }

  wake(now: Instant): void {
    this.#ip.wake(now);
    this.#settle(now);
  }

  poll(): NodeOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    return this.#ip.nextWake();
  }

  #settle(now: Instant): void {
    for (let output = this.#ip.poll(); output !== undefined; output = this.#ip.poll()) {
      switch (output.kind) {
        case 'transmit':
          this.#outputs.push(output);
          break;
        case 'local':
          turnAway(now, this.#ip, output.local);
          break;
        case 'drop':
          this.#outputs.push({ kind: 'event', layer: 'link', body: output.event });
          break;
        case 'tunnel':
        case 'crossing':
        case 'error':
          throw new TypeError(`a router’s IP layer has no ${output.kind}`);
      }
    }
  }
}

/** What a node without programs does with packets for itself (RFC 1122 §3.2.2.1); ICMP needs no taker. */
export function turnAway(now: Instant, ip: IpNode, local: LocalPacket): void {
  if (carriesIcmp(local.ip)) return;
  ip.handle(now, { kind: 'unclaimed', local, missing: local.ip.protocol === protocols.udp ? 'no-port' : 'no-protocol' });
}
