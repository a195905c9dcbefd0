/** What the lab runs in the namespace of one node: an ear on every interface, and an endpoint, a box, a firewall or a program. */
import type { Happening, Mapping } from '../../../src/core/events.ts';
import type { Random } from '../../../src/core/random.ts';
import type { Instant } from '../../../src/core/time.ts';
import type { EndpointCommand } from '../../../src/host/ports.ts';
import type { NatControl } from '../../../src/nat/behaviour.ts';
import type { NodePlan } from '../../../src/sim/plan.ts';
import type { RawProgram } from '../../../src/sim/raw-node.ts';
import type { ExecOptions, Exit, NatEngineChoice } from '../backend.ts';
import { engineOf, runBox } from './box.ts';
import type { BoxDriver } from './box.ts';
import { execInside } from './exec.ts';
import { firewallRules } from './firewall.ts';
import { EndpointDriver } from './host.ts';
import type { LabClock } from './lab-clock.ts';
import type { Interfaces } from './links.ts';
import { PacketSocket } from './packet-socket.ts';
import type { Poller } from './poller.ts';
import { RawHost } from './raw-host.ts';

export interface LinuxNodeOptions {
  readonly plan: NodePlan;
  readonly interfaces: Interfaces;
  readonly poller: Poller;
  readonly clock: LabClock;
  /** The node's own. */
  readonly random: Random;
  readonly natEngine: NatEngineChoice;
  /** Has the host to itself. */
  readonly program?: RawProgram | undefined;
  readonly record: (at: Instant, happening: Happening) => void;
}

export class LinuxNode {
  readonly #options: LinuxNodeOptions;
  readonly #capture: PacketSocket;
  readonly #endpoint: EndpointDriver | undefined;
  readonly #nat: BoxDriver | undefined;
  readonly #raw: RawHost | undefined;

  /** From now on the node hears and answers. */
  constructor(options: LinuxNodeOptions) {
    this.#options = options;
    const { plan, interfaces, poller, clock, random, program, natEngine, record } = options;
    const { namespace } = interfaces;
    const segments = new Map(plan.interfaces.map(({ name, segment }) => [interfaces.index(name), { name, segment }]));
    this.#raw = program && new RawHost({ namespace, addresses: plan.interfaces.map(({ address }) => address), program, clock });
    const capture = new PacketSocket(namespace, poller, { interfaces: [...segments.keys()], clock }, ({ at, interface: index, direction, bytes }) => {
      const { name, segment } = segments.get(index)!;
      record(at, { layer: 'link', body: { kind: 'packet', interface: name, segment, direction, bytes } });
      if (direction === 'in') this.#raw?.receive(bytes);
    });
    this.#capture = capture;
    if (this.#raw) return;
    if (plan.kind === 'router' && plan.passes !== undefined) namespace.run('nft', ['-f', '-'], firewallRules(plan.passes));
    if (plan.kind === 'nat') this.#nat = runBox({ plan, engine: engineOf(plan, natEngine, clock.rate), interfaces, poller, clock, random, capture, report: (event) => record(clock.now(), { layer: 'nat', body: event }) });
    if (plan.kind === 'host' && plan.endpoint !== undefined && plan.image === undefined) this.#endpoint = new EndpointDriver({ plan, interfaces, poller, clock, random, capture, record });
  }

  /** To be called when the whole lab stands: a program of its own begins now. */
  begin(): void {
    this.#raw?.begin();
  }

  command(command: EndpointCommand): void {
    if (this.#endpoint === undefined) throw new TypeError(`${this.#options.plan.name} is no IPsec endpoint`);
    this.#endpoint.command(command);
  }

  control(control: NatControl): void {
    this.#box.control(control);
  }

  mappings(): readonly Mapping[] {
    return this.#box.mappings();
  }

  exec(argv: readonly string[], options?: ExecOptions): Promise<Exit> {
    return execInside(this.#options.interfaces.namespace, argv, options);
  }

  /** Tells of all that has passed by now. */
  hear(): void {
    this.#capture.read();
  }

  /** Tells of all that the kernel knows by now. */
  catchUp(): void {
    this.hear();
    this.#nat?.mappings();
  }

  /** Resolves when the kernel has let go of it. */
  async close(): Promise<void> {
    this.#endpoint?.close();
    this.#nat?.close();
    this.#raw?.close();
    await this.#capture.close();
  }

  get #box(): BoxDriver {
    if (this.#nat === undefined) throw new TypeError(`${this.#options.plan.name} is no NAT box`);
    return this.#nat;
  }
}
