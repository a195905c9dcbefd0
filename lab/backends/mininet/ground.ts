/** The ground that mininet makes: hosts of its class with the plan's interfaces, a LinuxBridge a segment, a Link for every interface. */
import type { WorldPlan } from '../../../src/sim/plan.ts';
import { Problem } from '../../problem.ts';
import { awaitCarrier } from '../linux/ethtool.ts';
import { behaviourOf } from '../linux/ground.ts';
import type { Ground } from '../linux/ground.ts';
import { isIsolated } from '../linux/isolation.ts';
import { Interfaces, kernelRoutes } from '../linux/links.ts';
import { namespaceOf, ownNamespace } from '../linux/namespace.ts';
import { MininetDriver } from './driver.ts';
import { hasNetem } from './netem.ts';
import { install, pythonWithMininet } from './python.ts';
import { bridgeNames, wiringOf } from './wiring.ts';
import type { Wiring } from './wiring.ts';

export class MininetGround implements Ground {
  readonly driver: MininetDriver;
  readonly #bridges: ReadonlyMap<string, string>;
  readonly #nodes: ReadonlyMap<string, Interfaces>;
  /** The bridges stand where the lab does. */
  readonly #switches: Interfaces;
  readonly #patienceMs: number;

  private constructor(plan: WorldPlan, driver: MininetDriver, pids: Readonly<Record<string, number>>) {
    this.driver = driver;
    this.#bridges = bridgeNames(plan);
    this.#patienceMs = patienceMs(plan);
    this.#nodes = new Map(plan.nodes.map((node) => [node.name, new Interfaces(namespaceOf(pids[node.name]!), behaviourOf(node, plan))]));
    this.#switches = new Interfaces(ownNamespace(), { forwarding: false, ipv6: false });
  }

  static async build(plan: WorldPlan): Promise<MininetGround> {
    if (!isIsolated()) throw new TypeError('mininet puts its bridges where it runs, and changes the settings there: in the enclosure only');
    const python = pythonWithMininet();
    if (python === undefined) throw new Problem(`no Python here has mininet: ${install}`, 3);
    const driver = await MininetDriver.start(python.path);
    try {
      // The settings of a namespace hold for interfaces to come: nodes first, cables when the lab has been in each.
      const ground = new MininetGround(plan, driver, await driver.ask('hosts', { names: plan.nodes.map(({ name }) => name) }, patienceMs(plan)));
      const wiring = wiringOf(plan, { netem: hasNetem() });
      await driver.ask('wire', wiring, patienceMs(plan));
      ground.#adopt(plan, wiring);
      return ground;
    } catch (error) {
      driver.end();
      throw error;
    }
  }

  interfaces(node: string): Interfaces {
    const interfaces = this.#nodes.get(node);
    if (interfaces === undefined) throw new TypeError(`no node ${node}`);
    return interfaces;
  }

  link(segment: string, state: 'up' | 'down'): Promise<void> {
    this.#switches.setUp(this.#bridges.get(segment)!, state === 'up');
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const interfaces of [...this.#nodes.values(), this.#switches]) {
      interfaces.close();
      interfaces.namespace.close();
    }
    await this.driver.stop(this.#patienceMs);
  }

  #adopt(plan: WorldPlan, { segments, cables }: Wiring): void {
    const bridges = segments.map(({ name }) => name);
    const ports = cables.map(({ port }) => port);
    this.#switches.adopt([...bridges, ...ports]);
    for (const node of plan.nodes) this.interfaces(node.name).adopt(node.interfaces.map(({ name }) => name), kernelRoutes(node));
    for (const { host, interface: name, port } of cables) {
      const at = this.interfaces(host);
      at.connected(name, { at: this.#switches, name: port });
      this.#switches.connected(port, { at, name });
      awaitCarrier(at.namespace, [name]);
    }
    awaitCarrier(this.#switches.namespace, [...ports, ...bridges]);
  }
}

/** How long a request may take: mininet starts a shell a node and a few programs an interface. */
const patienceMs = ({ nodes }: WorldPlan): number => 30_000 + 2000 * nodes.length;
