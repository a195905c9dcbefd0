import type { Happening, Mapping } from '../core/events.ts';
import type { Machine } from '../core/machine.ts';
import { seeded } from '../core/random.ts';
import { start, type Instant } from '../core/time.ts';
import type { EndpointCommand } from '../host/ports.ts';
import type { NatControl } from '../nat/behaviour.ts';
import { TraceLog } from '../trace/trace.ts';
import { buildNode, named, type Occupants, type PlannedSegment } from './build.ts';
import { EventQueue } from './event-queue.ts';
import { NatNode } from './nat-node.ts';
import type { NodeInput, NodeOutput } from './node.ts';
import type { WorldPlan } from './plan.ts';
import { Segment, type Frame, type SegmentInput, type Station } from './segment.ts';

export interface WorldOptions extends Occupants {
  readonly seed: number;
  readonly trace?: TraceLog;
  /** Where time begins: the acts of one scenario may follow one another. */
  readonly from?: Instant;
}

/** A node and where it is attached, by interface. */
interface Inhabitant {
  readonly kind: 'node';
  readonly name: string;
  readonly machine: Machine<NodeInput, NodeOutput>;
  readonly ports: ReadonlyMap<string, { readonly station: Station; readonly segment: Link }>;
}

interface Link extends PlannedSegment {
  readonly kind: 'segment';
}

/**
 * A world in virtual time: builds the plan and carries what its machines put out to where it belongs. Everything that happens is in the trace,
 * every packet as each interface saw it. The same plan, seed and inputs give the same trace, byte for byte.
 */
export class World {
  readonly trace: TraceLog;
  readonly #links = new Map<string, Link>();
  readonly #nodes = new Map<string, Inhabitant>();
  readonly #due: EventQueue<Inhabitant | Link>;

  constructor(plan: WorldPlan, { seed, trace = new TraceLog(), from = start, ...occupants }: WorldOptions) {
    const random = seeded(seed);
    this.trace = trace;
    this.#due = new EventQueue(from);
    for (const segment of plan.segments) this.#links.set(segment.name, { kind: 'segment', plan: segment, machine: new Segment(segment, random.fork(`segment/${segment.name}`)) });
    for (const node of plan.nodes) {
      const machine = buildNode(node, this.#links, random.fork(`node/${node.name}`), occupants);
      const ports = new Map(node.interfaces.map((planned) => [planned.name, { station: { node: node.name, interface: planned.name }, segment: named(this.#links, planned.segment, 'segment') }]));
      const inhabitant: Inhabitant = { kind: 'node', name: node.name, machine, ports };
      this.#nodes.set(node.name, inhabitant);
      this.#hear(inhabitant);
    }
  }

  get now(): Instant {
    return this.#due.now;
  }

  /** Lets time pass, up to and including an instant. */
  run(until: Instant): void {
    while (this.#step(until));
  }

  /** Lets time pass until something has happened, or the deadline. The condition is asked again whenever the trace has grown. */
  runUntil(met: () => boolean, deadline: Instant): 'met' | 'timed out' {
    if (met()) return 'met';
    let seen = this.trace.events.length;
    while (this.#step(deadline)) {
      if (this.trace.events.length === seen) continue;
      seen = this.trace.events.length;
      if (met()) return 'met';
    }
    return 'timed out';
  }

  /** `cause`: the trace event, an act of the scenario, that led to it. */
  command(host: string, command: EndpointCommand, cause?: number): void {
    this.#tell(named(this.#nodes, host, 'host'), { kind: 'command', command }, cause);
  }

  control(box: string, control: NatControl, cause?: number): void {
    this.#tell(named(this.#nodes, box, 'NAT box'), { kind: 'control', control }, cause);
  }

  /** A link goes up or down, or its impairment changes. */
  disturb(segment: string, input: Exclude<SegmentInput, { kind: 'frame' }>): void {
    const link = named(this.#links, segment, 'segment');
    link.machine.handle(this.now, input);
    this.#hearLink(link);
  }

  /** The table of a NAT box as of now. */
  mappings(box: string): Mapping[] {
    const { machine } = named(this.#nodes, box, 'NAT box');
    if (!(machine instanceof NatNode)) throw new TypeError(`${box} is no NAT box`);
    return machine.mappings(this.now);
  }

  /** Wakes whoever is due next; false when nobody is until the limit, and time stands there. */
  #step(limit: Instant): boolean {
    const due = this.#due.take(limit);
    if (due === undefined) return false;
    due.machine.wake(this.now);
    if (due.kind === 'node') this.#hear(due);
    else this.#hearLink(due);
    return true;
  }

  #tell(node: Inhabitant, input: NodeInput, cause?: number): void {
    node.machine.handle(this.now, input);
    this.#hear(node, cause);
  }

  #hear(node: Inhabitant, cause?: number): void {
    const { machine } = node;
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      switch (output.kind) {
        case 'transmit':
          this.#transmit(node, output, cause);
          break;
        case 'address': {
          const { station, segment } = named(node.ports, output.interface, 'interface');
          if (output.assigned) segment.machine.attach(output.address, station);
          else segment.machine.detach(output.address);
          break;
        }
        case 'event':
          this.trace.record(this.now, node.name, happening(output), cause);
          break;
      }
    }
    this.#awaitNext(node);
  }

  #transmit(node: Inhabitant, output: Extract<NodeOutput, { kind: 'transmit' }>, cause?: number): void {
    const { station, segment } = named(node.ports, output.interface, 'interface');
    const sent = this.#recordPacket(station, segment, 'out', output.packet, cause);
    segment.machine.handle(this.now, { kind: 'frame', frame: { from: station, to: output.to, packet: output.packet, cause: sent } });
    this.#hearLink(segment);
  }

  #hearLink(link: Link): void {
    const { machine } = link;
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      if (output.kind === 'deliver') this.#deliver(link, output.frame);
      else this.trace.record(this.now, output.frame.from.node, { layer: 'link', body: output.event }, output.frame.cause);
    }
    this.#awaitNext(link);
  }

  #deliver(link: Link, { to, packet, cause }: Frame): void {
    const received = this.#recordPacket(to, link, 'in', packet, cause);
    this.#tell(named(this.#nodes, to.node, 'node'), { kind: 'packet', interface: to.interface, packet }, received);
  }

  #recordPacket(at: Station, { plan: { name } }: Link, direction: 'in' | 'out', bytes: Uint8Array, cause?: number): number {
    return this.trace.record(this.now, at.node, { layer: 'link', body: { kind: 'packet', interface: at.interface, segment: name, direction, bytes } }, cause).seq;
  }

  #awaitNext(due: Inhabitant | Link): void {
    const next = due.machine.nextWake();
    if (next === undefined) this.#due.remove(due);
    else this.#due.put(due, next.at);
  }
}

/** What happened, without the wrapping of an output. */
const happening = ({ layer, body }: Extract<NodeOutput, { kind: 'event' }>): Happening => ({ layer, body }) as Happening;
