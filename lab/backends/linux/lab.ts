/** A plan whose nodes are network namespaces of this machine, all driven by this one process. */
import type { Mapping } from '../../../src/core/events.ts';
import { after } from '../../../src/core/time.ts';
import type { Duration, Instant } from '../../../src/core/time.ts';
import { seeded } from '../../../src/core/random.ts';
import type { EndpointCommand } from '../../../src/host/ports.ts';
import type { NatControl } from '../../../src/nat/behaviour.ts';
import type { WorldPlan } from '../../../src/sim/plan.ts';
import type { TraceLog } from '../../../src/trace/trace.ts';
import type { ExecOptions, Exit, Lab, LabOptions, Predicate } from '../backend.ts';
import { untilOnTheWall } from '../watch.ts';
import type { Ground } from './ground.ts';
import { LabClock, rate } from './lab-clock.ts';
import { LinuxNode } from './node.ts';
import { Poller } from './poller.ts';

/** What is still under way through the kernel when an act ends has arrived after this. */
const settlingMs = 50;

export class LinuxLab implements Lab {
  readonly #ground: Ground;
  readonly #trace: TraceLog;
  readonly #signal: AbortSignal | undefined;
  readonly #clock = new LabClock(rate);
  readonly #poller = new Poller();
  readonly #nodes: ReadonlyMap<string, LinuxNode>;

  /** The lab disposes of the ground when it is disposed of. */
  constructor(plan: WorldPlan, ground: Ground, { seed, trace, signal, natEngine = 'auto', programs }: LabOptions) {
    this.#ground = ground;
    this.#trace = trace;
    this.#signal = signal;
    const random = seeded(seed);
    this.#nodes = new Map(
      plan.nodes.map((node) => {
        const { name } = node;
        const record: ConstructorParameters<typeof LinuxNode>[0]['record'] = (at, happening) => void trace.record(at, name, happening);
        return [name, new LinuxNode({ plan: node, interfaces: ground.interfaces(name), poller: this.#poller, clock: this.#clock, random: random.fork(`node/${name}`), natEngine, program: programs?.get(name), record })];
      }),
    );
    for (const node of this.#nodes.values()) node.begin();
  }

  get now(): Instant {
    return this.#clock.now();
  }

  command(host: string, command: EndpointCommand): void {
    this.#node(host).command(command);
  }

  control(box: string, control: NatControl): Promise<void> {
    this.#node(box).control(control);
    return Promise.resolve();
  }

  mappings(box: string): Promise<readonly Mapping[]> {
    return Promise.resolve(this.#node(box).mappings());
  }

  link(segment: string, state: 'up' | 'down'): Promise<void> {
    return this.#ground.link(segment, state);
  }

  exec(host: string, argv: readonly string[], options?: ExecOptions): Promise<Exit> {
    return this.#node(host).exec(argv, options);
  }

  until(what: Predicate, within: Duration, since: number): Promise<'met' | 'timed out'> {
    return untilOnTheWall({ trace: this.#trace, what, since, withinMs: this.#clock.untilMs(after(this.now, within)), signal: this.#signal });
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, settlingMs));
    for (const node of this.#nodes.values()) node.catchUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
    await this.#poller.close();
    await this.#ground[Symbol.asyncDispose]();
  }

  #node(name: string): LinuxNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new TypeError(`no node ${name}`);
    return node;
  }
}
