/** A plan whose nodes are containers, each with an agent of the lab in it. */
import type { Mapping } from '../../../src/core/events.ts';
import { after } from '../../../src/core/time.ts';
import type { Duration, Instant } from '../../../src/core/time.ts';
import type { EndpointCommand } from '../../../src/host/ports.ts';
import type { NatControl } from '../../../src/nat/behaviour.ts';
import type { NodePlan, WorldPlan } from '../../../src/sim/plan.ts';
import { CannotBeTried, Problem } from '../../problem.ts';
import type { ExecOptions, Exit, Lab, LabOptions, Predicate } from '../backend.ts';
import { engineOf } from '../linux/box.ts';
import { behaviourOf } from '../linux/ground.ts';
import { rate } from '../linux/lab-clock.ts';
import { untilOnTheWall } from '../watch.ts';
import { RemoteClock } from './clock.ts';
import { all } from './all.ts';
import { checkImages, Guest, isImage } from './guest.ts';
import type { HostWithImage } from './guest.ts';
import type { Conversation } from './conversation.ts';
import { isUnreachable, where } from './engine.ts';
import { Merge } from './merge.ts';
import { protocolVersion } from './messages.ts';
import type { Question } from './messages.ts';
import { thisStock } from './stock.ts';
import type { Home, Loan, Stock } from './stock.ts';
import { largestMtu } from './wire.ts';

/** What is still under way through the kernel when an act ends has arrived after this. */
const settlingMs = 50;
/** How long what was told waits for more of it, before those are asked who have told nothing. */
const gatheringMs = 2;

export class DockerLab implements Lab {
  readonly #stock: Stock;
  readonly #options: LabOptions;
  readonly #merge: Merge;
  readonly #loan: Loan = { wires: new Map(), homes: new Map(), guests: [] };
  readonly #guests = new Map<string, Guest>();
  readonly #asked = new Set<string>();
  readonly #ending = new AbortController();
  #clock: RemoteClock | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #lost: Problem | undefined;

  static async open(plan: WorldPlan, options: LabOptions): Promise<DockerLab> {
    const lab = new DockerLab(await thisStock(), plan, options);
    try {
      await lab.#build(plan);
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw lab.#explained(error);
    }
  }

  private constructor(stock: Stock, { nodes }: WorldPlan, options: LabOptions) {
    this.#stock = stock;
    this.#options = options;
    this.#merge = new Merge(nodes.map(({ name }) => name), (node, { at, happening }) => void options.trace.record(at, node, happening));
  }

  get now(): Instant {
    return this.#running.now();
  }

  command(host: string, command: EndpointCommand): void {
    const guest = this.#guests.get(host);
    if (guest !== undefined && command.kind !== 'ping') {
      if (command.kind !== 'initiate') throw new CannotBeTried(`${host} is an image, which can be told to begin and to send pings, and not to "${command.kind}"`);
      if (guest.hasStarted && !guest.connects) throw new CannotBeTried(`${host} is an image that begins with its container, and so once; with "connect: [PROGRAM, …]" in the topology it begins whenever it is told to`);
      guest.begin().catch((error: unknown) => this.#fail(error));
      return;
    }
    this.#ask(host, { kind: 'command', command }).catch((error: unknown) => this.#fail(error));
  }

  async control(box: string, control: NatControl): Promise<void> {
    await this.#ask(box, { kind: 'control', control });
    await this.#reported();
  }

  async mappings(box: string): Promise<readonly Mapping[]> {
    return this.#ask(box, { kind: 'mappings' });
  }

  async link(segment: string, state: 'up' | 'down'): Promise<void> {
    await this.#askAll({ kind: 'link', segment, state });
  }

  async exec(host: string, argv: readonly string[], options: ExecOptions = {}): Promise<Exit> {
    const guest = this.#guests.get(host);
    return guest === undefined ? this.#agent(host).exec(argv, options) : guest.exec(argv, options);
  }

  async until(what: Predicate, within: Duration, since: number): Promise<'met' | 'timed out'> {
    const { trace, signal } = this.#options;
    const ends = signal === undefined ? this.#ending.signal : AbortSignal.any([signal, this.#ending.signal]);
    const outcome = await untilOnTheWall({ trace, what, since, withinMs: this.#running.untilMs(after(this.now, within)), signal: ends });
    // What comes next looks at what happens from now on: all until now is to be in the trace.
    await this.#reported();
    return outcome;
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, settlingMs));
    await this.#askAll({ kind: 'catch-up' });
    await this.#reported();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#gathering);
    const { guests } = this.#loan;
    for (const guest of this.#guests.values()) guest.sendHome();
    guests.push(...Array.from(this.#guests.values(), ({ container }) => container));
    if (this.#clock === undefined || this.#lost !== undefined) await this.#stock.discard(this.#loan);
    else await this.#stock.takeBack(this.#loan);
  }

  async #build(plan: WorldPlan): Promise<void> {
    const images = plan.nodes.filter(isImage);
    await checkImages(this.#stock.run, images);
    const prefix = await this.#stock.lend(plan, this.#loan, (node) => ({ happened: ({ events, upTo }) => this.#happened(node, events, upTo), lost: (problem) => this.#fail(problem) }));
    await all(plan.nodes.map((node) => this.#ask(node.name, { kind: 'wire', node, behaviour: behaviourOf(node, plan), cables: cablesOf(node, plan, this.#loan.homes) })));
    const [first] = this.#loan.homes.values();
    // Somebody's own daemon goes by the clock on the wall.
    const pace = images.length > 0 ? 1 : rate;
    this.#clock = await RemoteClock.agreedWith(first!.agent, pace, protocolVersion);
    const { seed, natEngine = 'auto' } = this.#options;
    // A box runs on what it would run on in any other world of this backend, whatever the pace.
    await all(plan.nodes.map((node) => this.#ask(node.name, { kind: 'play', zero: this.#clock!.zero, rate: pace, seed, natEngine: node.kind === 'nat' ? engineOf(node, natEngine, rate) : natEngine })));
    await all(images.map((host) => this.#place(host, `${prefix}-${host.name.replace(/[^\w.-]/g, '-')}-image`)));
  }

  /** One that can be told to begin is there by now; one that cannot begins when its container does, and that when it is told to. */
  async #place(host: HostWithImage, name: string): Promise<void> {
    const guest = await Guest.make(this.#stock.run, name, host, this.#loan.homes.get(host.name)!.container, (state, story) => void this.#options.trace.record(this.now, host.name, { layer: 'scenario', body: { kind: 'image', state, story } }));
    this.#guests.set(host.name, guest);
    const begins = host.endpoint !== undefined && !host.forwards && !guest.connects;
    if (!begins) await guest.start();
  }

  #happened(node: string, ...told: Parameters<Merge['add']> extends [string, ...infer Rest] ? Rest : never): void {
    this.#merge.add(node, ...told);
    if (this.#gathering !== undefined || this.#merge.holdingUp().length === 0) return;
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      for (const behind of this.#merge.holdingUp()) this.#askToReport(behind);
    }, gatheringMs);
  }

  #askToReport(node: string): void {
    if (this.#asked.has(node)) return;
    this.#asked.add(node);
    this.#ask(node, { kind: 'report' }).then(
      () => this.#asked.delete(node),
      () => undefined, // what has become of it the conversation tells
    );
  }

  /** All that has happened until now is in the trace. */
  async #reported(): Promise<void> {
    await this.#askAll({ kind: 'report' });
  }

  async #ask<Kind extends Question['kind']>(node: string, question: Extract<Question, { kind: Kind }>): ReturnType<typeof Conversation.prototype.ask<Kind>> {
    return this.#agent(node).ask<Kind>(question);
  }

  #agent(node: string): Conversation {
    if (this.#lost !== undefined) throw this.#lost;
    const home = this.#loan.homes.get(node);
    if (home === undefined) throw new TypeError(`no node ${node}`);
    return home.agent;
  }

  async #askAll(question: Question): Promise<void> {
    await all(Array.from(this.#loan.homes.keys(), (node) => this.#ask(node, question)));
  }

  #fail(error: unknown): void {
    this.#lost ??= this.#explained(error) as Problem;
    this.#ending.abort();
  }

  /** An engine that is gone is no bug of ours. */
  #explained(error: unknown): unknown {
    return isUnreachable(error) ? new Problem(`the Docker engine at ${where()} does not answer any more`, 3) : error;
  }

  get #running(): RemoteClock {
    if (this.#clock === undefined) throw new TypeError('the lab does not run yet');
    return this.#clock;
  }
}

const cablesOf = ({ name: own, interfaces }: NodePlan, { segments }: WorldPlan, homes: ReadonlyMap<string, Home>): Extract<Question, { kind: 'wire' }>['cables'] =>
  interfaces.map(({ name, segment }) => {
    const number = segments.findIndex((one) => one.name === segment);
    const farEnds = Array.from(homes.values()).flatMap(({ node, places }) => (node === own ? [] : (places.get(segment)?.address ?? [])));
    return { name, mtu: Math.min(segments[number]!.mtu, largestMtu), number: number + 1, ...homes.get(own)!.places.get(segment)!, farEnds };
  });
