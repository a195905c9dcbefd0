/** The lab's own ground: nameless namespaces, a bridge a segment in one that stands apart, a cable an interface. */
import type { WorldPlan } from '../../../src/sim/plan.ts';
import { addressesOf, behaviourOf, bridgeName } from '../linux/ground.ts';
import type { Ground } from '../linux/ground.ts';
import { Interfaces, kernelRoutes, wire } from '../linux/links.ts';
import { createNamespace } from '../linux/namespace.ts';

export class NamespaceGround implements Ground {
  readonly #plan: WorldPlan;
  readonly #switches = new Interfaces(createNamespace(), { forwarding: false, ipv6: false });
  readonly #nodes: ReadonlyMap<string, Interfaces>;

  constructor(plan: WorldPlan) {
    this.#plan = plan;
    this.#nodes = new Map(plan.nodes.map((node) => [node.name, new Interfaces(createNamespace(), behaviourOf(node, plan))]));
    this.#wireUp();
  }

  interfaces(node: string): Interfaces {
    const interfaces = this.#nodes.get(node);
    if (interfaces === undefined) throw new TypeError(`no node ${node}`);
    return interfaces;
  }

  link(segment: string, state: 'up' | 'down'): Promise<void> {
    this.#switches.setUp(bridgeName(this.#plan, segment), state === 'up');
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const interfaces of [...this.#nodes.values(), this.#switches]) {
      interfaces.close();
      interfaces.namespace.close();
    }
    return Promise.resolve();
  }

  #wireUp(): void {
    const { segments, nodes } = this.#plan;
    const mtus = new Map(segments.map(({ name, mtu }) => [name, mtu]));
    let cable = 0;
    wire({
      bridges: segments.map(({ name, mtu }) => ({ at: this.#switches, name: bridgeName(this.#plan, name), mtu })),
      cables: nodes.flatMap((node) =>
        node.interfaces.map((its) => ({
          ends: [
            { at: this.#switches, name: `port${cable++}`, bridge: bridgeName(this.#plan, its.segment) },
            { at: this.interfaces(node.name), name: its.name, addresses: addressesOf(node, its) },
          ] as const,
          mtu: mtus.get(its.segment)!,
        })),
      ),
      routes: nodes.flatMap((node) => kernelRoutes(node).map((route) => ({ at: this.interfaces(node.name), route }))),
    });
  }
}
