/** A plan built of network namespaces: a bridge a segment, a cable an interface, the kernel's own forwarding and NAT. */
import type { Mapping } from '../../../src/core/events.ts';
import { addressBytes, addressFromBytes, ip, isIpv4 } from '../../../src/core/address.ts';
import type { IpAddress } from '../../../src/core/address.ts';
import { concat } from '../../../src/core/bytes.ts';
import { after } from '../../../src/core/time.ts';
import type { Duration, Instant } from '../../../src/core/time.ts';
import { seeded } from '../../../src/core/random.ts';
import type { EndpointCommand } from '../../../src/host/ports.ts';
import type { NatControl } from '../../../src/nat/behaviour.ts';
import type { NodePlan, WorldPlan } from '../../../src/sim/plan.ts';
import type { RawProgram } from '../../../src/sim/raw-node.ts';
import type { TraceLog } from '../../../src/trace/trace.ts';
import type { Exit, Lab, LabOptions, NatEngineChoice, Predicate } from '../backend.ts';
import { Watch } from '../watch.ts';
import { EndpointDriver } from './host.ts';
import { LabClock } from './lab-clock.ts';
import { Interfaces, kernelRoutes, wire } from './links.ts';
import { engineOf, runBox } from './box.ts';
import { firewallRules } from './firewall.ts';
import type { BoxDriver } from './box.ts';
import { createNamespace } from './namespace.ts';
import type { InterfaceAddress } from './rtnetlink.ts';
import { PacketSocket } from './packet-socket.ts';
import { Poller } from './poller.ts';
import { RawHost } from './raw-host.ts';
import { execInside } from './exec.ts';

/** How many times faster than the clock on the wall the lab's time passes: a mapping's 30 s are 3 s to wait. */
export const rate = 10;

/** What is still under way through the kernel when an act ends has arrived after this. */
const settlingMs = 50;

interface Node {
  readonly plan: NodePlan;
  readonly interfaces: Interfaces;
  readonly capture: PacketSocket;
  readonly endpoint?: EndpointDriver;
  readonly nat?: BoxDriver;
  /** A program that has the host to itself. */
  readonly raw?: RawHost | undefined;
}

export class NamespaceLab implements Lab {
  readonly #plan: WorldPlan;
  readonly #trace: TraceLog;
  readonly #signal: AbortSignal | undefined;
  readonly #natEngine: NatEngineChoice;
  readonly #clock = new LabClock(rate);
  readonly #poller = new Poller();
  readonly #switches: Interfaces;
  readonly #nodes = new Map<string, Node>();

  constructor(plan: WorldPlan, { seed, trace, signal, natEngine = 'auto', programs }: LabOptions) {
    this.#plan = plan;
    this.#trace = trace;
    this.#signal = signal;
    this.#natEngine = natEngine;
    this.#switches = new Interfaces(createNamespace(), { forwarding: false, ipv6: false });
    const ipv6 = plan.segments.some(({ prefix }) => !isIpv4(prefix.address)); // of a host in an IPv4 network too: what is in its tunnel may be IPv6
    const wired = new Map(plan.nodes.map((node) => [node.name, new Interfaces(createNamespace(), { forwarding: node.kind !== 'host' || node.forwards, ipv6 })]));
    this.#wireUp(wired);
    const random = seeded(seed);
    for (const node of plan.nodes) this.#nodes.set(node.name, this.#inhabit(node, wired.get(node.name)!, random.fork(`node/${node.name}`), programs?.get(node.name)));
    for (const { raw } of this.#nodes.values()) raw?.begin();
  }

  get now(): Instant {
    return this.#clock.now();
  }

  command(host: string, command: EndpointCommand): void {
    const { endpoint } = this.#node(host);
    if (endpoint === undefined) throw new TypeError(`${host} is no IPsec endpoint`);
    endpoint.command(command);
  }

  control(box: string, control: NatControl): Promise<void> {
    this.#box(box).control(control);
    return Promise.resolve();
  }

  mappings(box: string): Promise<readonly Mapping[]> {
    return Promise.resolve(this.#box(box).mappings());
  }

  link(segment: string, state: 'up' | 'down'): Promise<void> {
    this.#switches.setUp(bridgeName(this.#plan, segment), state === 'up');
    return Promise.resolve();
  }

  exec(host: string, argv: readonly string[]): Promise<Exit> {
    return execInside(this.#node(host).interfaces.namespace, argv);
  }

  until(what: Predicate, within: Duration, since: number): Promise<'met' | 'timed out'> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(alarm);
        this.#signal?.removeEventListener('abort', end);
        watch.end();
        resolve(watch.met ? 'met' : 'timed out');
      };
      const alarm = setTimeout(end, this.#clock.untilMs(after(this.now, within)));
      const watch = new Watch(this.#trace, what, since, () => void setImmediate(end));
      this.#signal?.addEventListener('abort', end);
    });
  }

  async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, settlingMs));
    for (const { capture, nat } of this.#nodes.values()) {
      capture.read();
      nat?.mappings();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { endpoint, nat, raw } of this.#nodes.values()) {
      endpoint?.close();
      nat?.close();
      raw?.close();
    }
    await Promise.all([...this.#nodes.values()].map(({ capture }) => capture.close()));
    await this.#poller.close();
    for (const interfaces of [...[...this.#nodes.values()].map((node) => node.interfaces), this.#switches]) {
      interfaces.close();
      interfaces.namespace.close();
    }
  }

  #wireUp(wired: ReadonlyMap<string, Interfaces>): void {
    let cable = 0;
    wire({
      bridges: this.#plan.segments.map(({ name, mtu }) => ({ at: this.#switches, name: bridgeName(this.#plan, name), mtu })),
      cables: this.#plan.nodes.flatMap((node) =>
        node.interfaces.map(({ name, segment, address, prefixLength }) => ({
          ends: [
            { at: this.#switches, name: `port${cable++}`, bridge: bridgeName(this.#plan, segment) },
            { at: wired.get(node.name)!, name, addresses: [{ address, length: prefixLength }, ...(node.kind !== 'host' || node.forwards ? linkLocal(address) : [])] },
          ] as const,
          mtu: this.#plan.segments.find((one) => one.name === segment)!.mtu,
        })),
      ),
      routes: this.#plan.nodes.flatMap((node) => kernelRoutes(node).map((route) => ({ at: wired.get(node.name)!, route }))),
    });
  }

  #inhabit(plan: NodePlan, interfaces: Interfaces, random: ReturnType<typeof seeded>, program?: RawProgram): Node {
    const segments = new Map(plan.interfaces.map(({ name, segment }) => [interfaces.index(name), { name, segment }]));
    const clock = this.#clock;
    const raw = program && new RawHost({ namespace: interfaces.namespace, addresses: plan.interfaces.map(({ address }) => address), program, clock });
    const capture = new PacketSocket(interfaces.namespace, this.#poller, { interfaces: [...segments.keys()], clock }, ({ at, interface: index, direction, bytes }) => {
      const { name, segment } = segments.get(index)!;
      this.#trace.record(at, plan.name, { layer: 'link', body: { kind: 'packet', interface: name, segment, direction, bytes } });
      if (direction === 'in') raw?.receive(bytes);
    });
    const record = (at: Instant, happening: Parameters<TraceLog['record']>[2]): void => void this.#trace.record(at, plan.name, happening);
    const node = { plan, interfaces, capture, raw };
    if (raw) return node;
    if (plan.kind === 'router' && plan.passes !== undefined) interfaces.namespace.run('nft', ['-f', '-'], firewallRules(plan.passes));
    if (plan.kind === 'nat') return { ...node, nat: runBox({ plan, engine: engineOf(plan, this.#natEngine, rate), interfaces, poller: this.#poller, clock, random, capture, rate, report: (event) => record(clock.now(), { layer: 'nat', body: event }) }) };
    if (plan.kind === 'host' && plan.endpoint !== undefined) return { ...node, endpoint: new EndpointDriver({ plan, interfaces, poller: this.#poller, clock, random, capture, record }) };
    return node;
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new TypeError(`no node ${name}`);
    return node;
  }

  #box(name: string): BoxDriver {
    const { nat } = this.#node(name);
    if (nat === undefined) throw new TypeError(`${name} is no NAT box`);
    return nat;
  }
}

/** Linux asks for the neighbours of what it forwards from a link-local address only (RFC 4861 §7.2.2 leaves it the choice): here one with the interface's own identifier. */
const linkLocal = (address: IpAddress): InterfaceAddress[] =>
  isIpv4(address) ? [] : [{ address: addressFromBytes(concat(addressBytes(ip('fe80::')).subarray(0, 8), addressBytes(address).subarray(8))), length: 64 }];

/** Interface names have 15 octets at the most, segments have names of people's choice. */
const bridgeName = ({ segments }: WorldPlan, segment: string): string => `segment${segments.findIndex(({ name }) => name === segment)}`;
