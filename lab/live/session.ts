/** A running lab in somebody's hands: names are looked up, actions are waited for, and the waiting can be broken off. */
import { parseAddress } from '../../src/core/address.ts';
import type { IpAddress } from '../../src/core/address.ts';
import type { Duration, Instant } from '../../src/core/time.ts';
import type { EndpointCommand, EndpointConfig } from '../../src/host/ports.ts';
import type { HostPlan, NatPlan, NodePlan } from '../../src/sim/plan.ts';
import type { TraceEvent } from '../../src/trace/events.ts';
import type { EventOf, TraceLog } from '../../src/trace/trace.ts';
import type { Lab, Predicate } from '../backends/backend.ts';
import { Problem } from '../problem.ts';
import type { Theme } from '../report/theme.ts';
import { suggestion } from '../suggest.ts';
import { castOf } from '../topology/cast.ts';
import type { Cast, Client } from '../topology/cast.ts';
import type { Topology } from '../topology/plan.ts';

export interface SessionOptions {
  readonly lab: Lab;
  readonly backend: string;
  readonly topology: Topology;
  readonly trace: TraceLog;
  /** Writes a line, or several, for the person. */
  readonly say: (text: string) => void;
  /** In what drawings are made. */
  readonly canvas: { readonly theme: Theme; readonly width: number };
}

/** A host with an IKE daemon and an IPsec stack. */
export type EndpointHost = HostPlan & { readonly endpoint: EndpointConfig };

/** The person has had enough of a wait. The trace, and with it whoever listens, has been told. */
export class BrokenOff extends Error {}

export class Session {
  readonly lab: Lab;
  readonly backend: string;
  readonly topology: Topology;
  readonly trace: TraceLog;
  readonly cast: Cast;
  readonly say: (text: string) => void;
  readonly canvas: SessionOptions['canvas'];
  #errands = 0;
  #breaking = new AbortController();

  constructor({ lab, backend, topology, trace, say, canvas }: SessionOptions) {
    this.lab = lab;
    this.backend = backend;
    this.topology = topology;
    this.trace = trace;
    this.cast = castOf(topology);
    this.say = say;
    this.canvas = canvas;
  }

  get now(): Instant {
    return this.lab.now;
  }

  /** Aborted when the person breaks off what is going on. */
  get signal(): AbortSignal {
    return this.#breaking.signal;
  }

  /** Acts, then waits until it has happened or the time is over, only the first of which is true. Throws BrokenOff. */
  async expect(what: Predicate, within: Duration, action: () => void | Promise<void> = () => undefined): Promise<boolean> {
    const since = this.trace.nextSeq;
    await action();
    const { signal } = this.#breaking;
    const sees = (event: TraceEvent): boolean => signal.aborted || what.sees(event);
    const outcome = await this.lab.until({ describe: what.describe, sees }, within, since);
    if (signal.aborted) throw new BrokenOff();
    return outcome === 'met';
  }

  /** Ends what is being waited for, or run. The trace has it, so that waits look up. */
  breakOff(): void {
    this.#breaking.abort();
    this.#breaking = new AbortController();
    this.trace.record(this.lab.now, 'lab', { layer: 'scenario', body: { kind: 'step', story: 'broken off' } });
  }

  command(host: string, command: EndpointCommand): void {
    this.lab.command(host, command);
  }

  /** What happened from event number `since` on. */
  since<K extends TraceEvent['body']['kind']>(since: number, kind: K, node?: string): readonly EventOf<K>[] {
    return this.trace.of(kind, node).filter(({ seq }) => seq >= since);
  }

  /** A name for a ping that no other has had. */
  errand(from: string): string {
    return `${from}-${++this.#errands}`;
  }

  get nodes(): readonly NodePlan[] {
    return this.topology.plan.nodes;
  }

  get endpoints(): readonly EndpointHost[] {
    return this.nodes.filter((node): node is EndpointHost => node.kind === 'host' && node.endpoint !== undefined);
  }

  client(name: string): Client {
    return one('client', this.cast.clients, name);
  }

  endpoint(name: string): EndpointHost {
    return one('host with an IPsec stack', this.endpoints, name);
  }

  node(name: string): NodePlan {
    return one('node', this.nodes, name);
  }

  /** By its name, which may be left out where there is but one. */
  box(name: string | undefined): NatPlan {
    const { boxes } = this.cast;
    if (name !== undefined) return one('NAT box', boxes, name);
    if (boxes.length === 1) return boxes[0]!;
    throw new Problem(boxes.length === 0 ? `the topology ${this.topology.name} has no NAT box` : `which box? There are: ${boxes.map((box) => box.name).join(', ')}`);
  }

  /** A segment by its name, or the one by which a node is reached: a box's outside, a host's first. */
  segment(name: string): string {
    const { segments } = this.topology.plan;
    if (segments.some((segment) => segment.name === name)) return name;
    const node = this.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Problem(`no segment or node "${name}"; ${suggestion(name, [...segments.map((segment) => segment.name), ...this.nodes.map((one) => one.name)])}`);
    const outward = node.kind === 'nat' ? node.interfaces.find((its) => its.name === node.outside) : node.interfaces[0];
    return outward!.segment;
  }

  /** Where a host is pinged: the inner address that it was given or has, else its first one. Or an address as it is. */
  address(nameOrAddress: string): IpAddress {
    const address = parseAddress(nameOrAddress);
    if (address !== undefined) return address;
    const node = one('host or address', this.nodes.filter(({ kind }) => kind === 'host'), nameOrAddress) as HostPlan;
    return this.virtualAddress(node.name) ?? node.endpoint?.innerAddress ?? node.interfaces[0]!.address;
  }

  virtualAddress(host: string): IpAddress | undefined {
    return this.trace.of('virtual-address', host).at(-1)?.body.address;
  }
}

function one<Named extends { readonly name: string }>(kind: string, all: readonly Named[], name: string): Named {
  const found = all.find((each) => each.name === name);
  if (found === undefined) throw new Problem(`no ${kind} "${name}"; ${suggestion(name, all.map((each) => each.name))}`);
  return found;
}
