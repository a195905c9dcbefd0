/**
 * Runs in the container of a node: what `LinuxNode` does there, told and asked over the standard streams in JSON lines. It ends when its standard input does, and
 * the engine then removes its container: nobody needs to be alive for that.
 */
import { seeded } from '../../../src/core/random.ts';
import type { Happening } from '../../../src/core/events.ts';
import type { Instant } from '../../../src/core/time.ts';
import { LabClock, monotonic } from '../linux/lab-clock.ts';
import { AsFound } from '../linux/as-found.ts';
import { engineOf } from '../linux/box.ts';
import { Interfaces } from '../linux/links.ts';
import { ownNamespace } from '../linux/namespace.ts';
import { LinuxNode } from '../linux/node.ts';
import { Poller } from '../linux/poller.ts';
import { NotPossibleHere } from '../linux/syscalls.ts';
import type { NodePlan } from '../../../src/sim/plan.ts';
import { Problem } from '../../problem.ts';
import type { Exit } from '../backend.ts';
import { Pinger } from './pinger.ts';
import { Lines, fromLine, toLine } from './codec.ts';
import { readRequest } from './messages.ts';
import type { Answer, Request, Saying } from './messages.ts';
import { cut, plugIn } from './wire.ts';

interface Wired {
  readonly plan: NodePlan;
  readonly interfaces: Interfaces;
}

interface Playing {
  readonly node: LinuxNode;
  readonly poller: Poller;
  readonly clock: LabClock;
  /** The kernel tracks connections here. */
  readonly tracks: boolean;
}

class Agent {
  #asFound: AsFound | undefined;
  #ground: Wired | undefined;
  #playing: Playing | undefined;
  readonly #programs = new Map<number, AbortController>();
  /** Of a host that is somebody's own image. */
  #pinger: Pinger | undefined;
  #untold: { readonly at: Instant; readonly happening: Happening }[] = [];

  async carryOut(request: Request): Promise<Answer<Request['kind']>> {
    switch (request.kind) {
      case 'hello':
        return { clock: monotonic() };
      case 'wire': {
        this.#asFound ??= new AsFound(ownNamespace());
        const interfaces = new Interfaces(ownNamespace(), request.behaviour);
        plugIn(interfaces, request.node, request.cables);
        this.#ground = { plan: request.node, interfaces };
        return null;
      }
      case 'leave':
        await this.#leave();
        return null;
      case 'play':
        this.#play(request);
        return null;
      case 'command':
        if (this.#pinger === undefined) this.#node.command(request.command);
        else if (request.command.kind === 'ping') this.#pinger.ping(request.command);
        else throw new TypeError(`an image takes no "${request.command.kind}"`);
        return null;
      case 'control':
        this.#node.control(request.control);
        return null;
      case 'mappings':
        return [...this.#node.mappings()];
      case 'exec':
        return this.#exec(request);
      case 'kill':
        this.#programs.get(request.exec)?.abort();
        return null;
      case 'link':
        cut(this.#wired.interfaces, this.#wired.plan, request.segment, request.state);
        return null;
      case 'report':
        this.#tell();
        return null;
      case 'catch-up':
        this.#node.catchUp();
        this.#tell();
        return null;
    }
  }

  #play({ zero, rate, seed, natEngine }: Extract<Request, { kind: 'play' }>): void {
    const { plan, interfaces } = this.#wired;
    const clock = new LabClock(rate, zero);
    const random = seeded(seed).fork(`node/${plan.name}`);
    const [poller, record] = [new Poller(), (at: Instant, happening: Happening): void => this.#happened(at, happening)];
    const node = new LinuxNode({ plan, interfaces, poller, clock, random, natEngine, record });
    this.#playing = { node, poller, clock, tracks: plan.kind === 'nat' && engineOf(plan, natEngine, rate) === 'kernel' };
    if (plan.kind === 'host' && plan.image !== undefined) this.#pinger = new Pinger({ poller, clock, random: random.fork('pinger'), record });
    node.begin();
  }

  async #leave(): Promise<void> {
    for (const program of this.#programs.values()) program.abort();
    await this.#playing?.node.close();
    await this.#playing?.poller.close();
    this.#wired.interfaces.close();
    this.#asFound!.putBack({ tracked: this.#playing?.tracks ?? false });
    this.#ground = this.#playing = this.#pinger = undefined;
    this.#untold = [];
  }

  async #exec({ id, argv }: Extract<Request, { kind: 'exec' }>): Promise<Exit> {
    const program = new AbortController();
    this.#programs.set(id, program);
    try {
      return await this.#node.exec(argv, { signal: program.signal, hear: (text) => say({ kind: 'heard', id, text }) });
    } finally {
      this.#programs.delete(id);
    }
  }

  /** What happens at once is told at once, in one line. */
  #happened(at: Instant, happening: Happening): void {
    if (this.#untold.push({ at, happening }) === 1) setImmediate(() => this.#tell());
  }

  #tell(): void {
    if (this.#playing === undefined) return;
    const upTo = this.#playing.clock.now();
    this.#playing.node.hear();
    const events = this.#untold;
    this.#untold = [];
    say({ kind: 'happened', upTo, events });
  }

  get #node(): LinuxNode {
    if (this.#playing === undefined) throw new TypeError('the node does not play yet');
    return this.#playing.node;
  }

  get #wired(): Wired {
    if (this.#ground === undefined) throw new TypeError('the node has no network yet');
    return this.#ground;
  }
}

const say = (saying: Saying): void => void process.stdout.write(toLine(saying));

const agent = new Agent();

async function hear(line: string): Promise<void> {
  const request = readRequest(fromLine(line));
  try {
    say({ kind: 'answer', id: request.id, value: await agent.carryOut(request) });
  } catch (error) {
    const forPeople = error instanceof Problem || error instanceof NotPossibleHere;
    say({ kind: 'refusal', id: request.id, why: forPeople ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error), problem: forPeople });
  }
}

const lines = new Lines((line) => void hear(line));
process.stdin.on('data', (piece: Buffer) => lines.push(piece)).on('end', () => process.exit(0));
