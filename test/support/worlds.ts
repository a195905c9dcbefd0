/** Small worlds for tests: plans in a line each, and programs that talk UDP as they are told. */
import { ip, parsePrefix, prefix, type Endpoint, type IpAddress } from '../../src/core/address.ts';
import { fromUtf8, toHex, utf8 } from '../../src/core/bytes.ts';
import type { Machine, WakeUp } from '../../src/core/machine.ts';
import { Queue } from '../../src/core/queue.ts';
import { seconds, type Instant } from '../../src/core/time.ts';
import { Timers } from '../../src/core/timers.ts';
import type { EndpointConfig, EndpointInput, EndpointOutput } from '../../src/host/ports.ts';
import type { NatBehaviour, PortForward } from '../../src/nat/behaviour.ts';
import { impairments } from '../../src/sim/impairment.ts';
import type { HostPlan, Impairment, InterfacePlan, NatPlan, RoutePlan, RouterPlan, SegmentPlan } from '../../src/sim/plan.ts';
import type { Trace } from '../../src/trace/trace.ts';

export const at = (milliseconds: number): Instant => milliseconds as Instant;

export const segment = (name: string, block: string, impairment: Impairment = impairments.lan, mtu = 1500): SegmentPlan => ({ name, prefix: prefix(block), mtu, impairment });

/** `lan 10.0.0.1/24`: an interface on the segment `lan`; the first is eth0. */
const interfaces = (descriptions: readonly string[]): InterfacePlan[] =>
  descriptions.map((description, i) => {
    const [segmentName = '', address = '', length = ''] = description.split(/[ /]/);
    return { name: `eth${i}`, segment: segmentName, address: ip(address), prefixLength: Number(length) };
  });

/** `0.0.0.0/0 10.0.0.1`, `10.99.0.0/24 tunnel`. */
const routes = (descriptions: readonly string[]): RoutePlan[] =>
  descriptions.map((description) => {
    const [to = '', via = ''] = description.split(' ');
    return { to: parsePrefix(to)!, via: via === 'tunnel' ? via : ip(via) };
  });

export const host = (name: string, on: readonly string[], via: readonly string[] = [], more: Partial<HostPlan> = {}): HostPlan => ({
  kind: 'host', name, interfaces: interfaces(on), routes: routes(via), forwards: false, ...more,
});

export const router = (name: string, on: readonly string[], via: readonly string[] = []): RouterPlan => ({ kind: 'router', name, interfaces: interfaces(on), routes: routes(via) });

/** The last interface is the outside. */
export function natBox(name: string, on: readonly string[], via: readonly string[], behaviour: NatBehaviour, forwards: readonly PortForward[] = []): NatPlan {
  const all = interfaces(on);
  const inside = all.slice(0, -1);
  const outside = all.at(-1)!;
  return {
    kind: 'nat', name, interfaces: all, routes: routes(via), inside: inside.map((each) => each.name), outside: outside.name,
    box: { name, behaviour, outsideAddresses: [outside.address], insidePrefixes: inside.map((each) => parsePrefix(`${each.address}/${each.prefixLength}`)!), forwards },
  };
}

/** The configuration of an endpoint whose programs the test puts in. */
export const stubEndpoint = (name: string, address: string): EndpointConfig => ({
  name,
  ike: { address: ip(address), connections: [], keepalive: { interval: 'off' }, retransmission: { first: seconds(1), factor: 2, tries: 3 }, deadPeerDetection: 'off', cookieThreshold: 10, halfOpenLimit: 100 },
});

/** Talks UDP at given instants and remembers what it hears. With `echo` it answers everything. */
export class Talker implements Machine<EndpointInput, EndpointOutput> {
  readonly heard: { readonly at: Instant; readonly local: Endpoint; readonly peer: Endpoint; readonly text: string }[] = [];
  readonly inner: Uint8Array[] = [];
  readonly esp: string[] = [];
  readonly #timers = new Timers<EndpointOutput>();
  readonly #outputs = new Queue<EndpointOutput>();
  readonly #echo: boolean;

  constructor(echo = false) {
    this.#echo = echo;
  }

  /** Sends a text from an endpoint to another at an instant. */
  say(when: number, local: Endpoint, peer: Endpoint, text: string, checksum: 'computed' | 'zero' = 'computed'): this {
    return this.put(when, { kind: 'datagram', local, peer, payload: utf8(text), checksum });
  }

  put(when: number, output: EndpointOutput): this {
    this.#timers.set(output, at(when));
    return this;
  }

  handle(now: Instant, input: EndpointInput): void {
    if (input.kind === 'datagram') {
      this.heard.push({ at: now, local: input.local, peer: input.peer, text: fromUtf8(input.payload) });
      if (this.#echo) this.#outputs.push({ ...input, checksum: 'computed' });
    }
    if (input.kind === 'esp') this.esp.push(`${input.source} > ${input.destination}: ${toHex(input.payload)}`);
    if (input.kind === 'inner') this.inner.push(input.packet);
    if (input.kind === 'local') this.#outputs.push({ kind: 'unclaimed', packet: input.packet });
  }

  wake(now: Instant): void {
    for (let due = this.#timers.take(now); due !== undefined; due = this.#timers.take(now)) this.#outputs.push(due);
  }

  poll(): EndpointOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const next = this.#timers.next();
    return next && { at: next.at, reason: 'something to say' };
  }
}

export const endpoint = (address: string, port: number): Endpoint => ({ address: ip(address), port });

/** One line an event, bytes as hex: what "the same trace" means. */
export const serialised = (trace: Trace): string =>
  trace.events.map((event) => JSON.stringify(event, (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value))).join('\n');

export type { IpAddress };
