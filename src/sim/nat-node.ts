import { inPrefix, type IpAddress, type Prefix } from '../core/address.ts';
import type { Mapping } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Instant } from '../core/time.ts';
import type { NatInput } from '../nat/behaviour.ts';
import type { NatMachine } from '../nat/machine.ts';
import type { IpNode, IpNodeOutput } from './ip-node.ts';
import type { NodeInput, NodeOutput } from './node.ts';
import { turnAway } from './router-node.ts';

/**
 * A router whose packets between inside and outside pass through a NAT box. The IP layer counts hops and finds routes, the box translates.
 * An ICMP error about a translated packet goes back through the box, so that its reader knows the packet again (RFC 5508 §4).
 */
export class NatNode implements Machine<NodeInput, NodeOutput> {
  readonly #ip: IpNode;
  readonly #box: NatMachine;
  readonly #outside: string;
  readonly #toBox = new Queue<NatInput>();
  readonly #outputs = new Queue<NodeOutput>();
  #outsideAddresses: readonly IpAddress[];
  readonly #outsidePrefix: Prefix | undefined;

  /** `outside`: the name of the interface; `addresses`: those that the box translates to, which the interface answers for; `prefix`: one that it translates to and others route to it. */
  constructor(ip: IpNode, box: NatMachine, { outside, addresses, prefix }: { readonly outside: string; readonly addresses: readonly IpAddress[]; readonly prefix?: Prefix }) {
    this.#ip = ip;
    this.#box = box;
    this.#outside = outside;
    this.#outsideAddresses = addresses;
    this.#outsidePrefix = prefix;
    for (const address of addresses) ip.assign(address, outside);
  }

  /** The box's table as of now. */
  mappings(now: Instant): Mapping[] {
    return this.#box.mappings(now);
  }

  handle(now: Instant, input: NodeInput): void {
    switch (input.kind) {
      case 'packet':
        this.#ip.handle(now, input);
        break;
      case 'control':
        this.#toBox.push(input);
        if (input.control.kind === 'change-address' && this.#outsidePrefix === undefined) this.#moveTo(input.control.address);
        break;
      case 'command':
        throw new TypeError('a NAT box runs no programs');
    }
    this.#settle(now);
  }

  wake(now: Instant): void {
    this.#ip.wake(now);
    this.#box.wake(now);
    this.#settle(now);
  }

  poll(): NodeOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const [a, b] = [this.#ip.nextWake(), this.#box.nextWake()];
    return a === undefined || (b !== undefined && b.at < a.at) ? b : a;
  }

  #settle(now: Instant): void {
    for (;;) {
      const fromIp = this.#ip.poll();
      if (fromIp !== undefined) {
        this.#hearIp(now, fromIp);
        continue;
      }
      const fromBox = this.#box.poll();
      if (fromBox !== undefined) {
        if (fromBox.kind === 'forward') this.#ip.handle(now, { kind: 'send', packet: fromBox.packet, clear: true, errors: 'returned' });
        else this.#outputs.push({ kind: 'event', layer: 'nat', body: fromBox.event });
        continue;
      }
      const toBox = this.#toBox.shift();
      if (toBox === undefined) return;
      this.#box.handle(now, toBox);
    }
  }

  #hearIp(now: Instant, output: IpNodeOutput): void {
    switch (output.kind) {
      case 'transmit':
        this.#outputs.push(output);
        return;
      case 'crossing':
        this.#toBox.push({ kind: 'packet', from: output.from, packet: output.packet });
        return;
      case 'error':
        this.#toBox.push({ kind: 'packet', from: this.#isOutside(output.destination) ? 'outside' : 'inside', packet: output.packet });
        return;
      case 'local':
        return turnAway(now, this.#ip, output.local);
      case 'drop':
        this.#outputs.push({ kind: 'event', layer: 'link', body: output.event });
        return;
      case 'tunnel':
        throw new TypeError('a NAT box has no tunnel');
    }
  }

  /** Whose packet an error is about as it left, and not as it came. */
  #isOutside(address: IpAddress): boolean {
    return this.#ip.has(address) || (this.#outsidePrefix !== undefined && inPrefix(address, this.#outsidePrefix));
  }

  /** The segment must hear of it; the box learns it by itself. Of several addresses the first one changes. */
  #moveTo(address: IpAddress): void {
    const interfaceName = this.#outside;
    const [old, ...others] = this.#outsideAddresses;
    if (old !== undefined) {
      this.#ip.withdraw(old, interfaceName);
      this.#outputs.push({ kind: 'address', interface: interfaceName, address: old, assigned: false });
    }
    this.#outsideAddresses = [address, ...others];
    this.#ip.assign(address, interfaceName);
    this.#outputs.push({ kind: 'address', interface: interfaceName, address, assigned: true });
  }
}
