import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Instant } from '../core/time.ts';
import { carriesIcmp } from '../wire/echo.ts';
import { decodeIp } from '../wire/ip.ts';
import { protocols } from '../wire/protocols.ts';
import { forbidden, type FirewallProtocol } from './firewall.ts';
import type { IpNode, LocalPacket } from './ip-node.ts';
import type { NodeInput, NodeOutput } from './node.ts';

/** A router: its IP layer and nothing on top. It answers echo requests; whatever else is meant for it finds nobody at home. */
export class RouterNode implements Machine<NodeInput, NodeOutput> {
  readonly #ip: IpNode;
  readonly #passes: readonly FirewallProtocol[] | undefined;
  readonly #outputs = new Queue<NodeOutput>();

  /** `passes`: what a firewall forwards; everything when not said. */
  constructor(ip: IpNode, passes?: readonly FirewallProtocol[]) {
    this.#ip = ip;
    this.#passes = passes;
  }

  handle(now: Instant, input: NodeInput): void {
    if (input.kind !== 'packet') throw new TypeError(`a router takes no ${input.kind}`);
    const reason = this.#passes && !isFor(this.#ip, input.packet) ? forbidden(this.#passes, input.packet) : undefined;
    if (reason === undefined) this.#ip.handle(now, input);
    else this.#outputs.push({ kind: 'event', layer: 'link', body: { kind: 'drop', reason: 'firewall', detail: reason, bytes: input.packet } });
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

function isFor(node: IpNode, packet: Uint8Array): boolean {
  const ip = decodeIp(packet);
  return ip.ok && node.has(ip.value.destination);
}

/** What a node without programs does with packets for itself (RFC 1122 §3.2.2.1); ICMP needs no taker. */
export function turnAway(now: Instant, ip: IpNode, local: LocalPacket): void {
  if (carriesIcmp(local.ip)) return;
  ip.handle(now, { kind: 'unclaimed', local, missing: local.ip.protocol === protocols.udp ? 'no-port' : 'no-protocol' });
}
