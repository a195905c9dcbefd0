/**
 * Endpoints and boxes that break one rule on purpose. Most of them conspire: both endpoints have the same wrong idea, so that the tunnel works
 * and only who looks at the wire can tell.
 */
import type { Backend } from '../../lab/backends/backend.ts';
import { SimulatedLab, sim } from '../../lab/backends/sim/backend.ts';
import type { Machine, WakeUp } from '../../src/core/machine.ts';
import { Queue } from '../../src/core/queue.ts';
import type { Instant } from '../../src/core/time.ts';
import { createEndpoint } from '../../src/host/endpoint.ts';
import type { EndpointConfig, EndpointInput, EndpointOutput } from '../../src/host/ports.ts';
import type { IkeConfig } from '../../src/ike/config.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import type { NatPlan, NodePlan, WorldPlan } from '../../src/sim/plan.ts';
import { decodeHeader } from '../../src/wire/ike/codec.ts';
import { stripMarker } from '../../src/wire/natt.ts';

export type DatagramIn = Extract<EndpointInput, { kind: 'datagram' }>;
export type DatagramOut = Extract<EndpointOutput, { kind: 'datagram' }>;
type EventOut = Extract<EndpointOutput, { kind: 'event' }>;

/** Stands between an honest endpoint and its host, and changes what passes. */
export interface Intercept {
  /** What the endpoint is told instead; `say` makes the host believe that the endpoint said something. */
  readonly heard?: (input: EndpointInput, now: Instant, say: (output: EndpointOutput) => void) => readonly EndpointInput[];
  /** What the host is told instead. */
  readonly said?: (output: EndpointOutput, now: Instant) => readonly EndpointOutput[];
}

export interface Sabotage {
  readonly config?: (config: EndpointConfig) => EndpointConfig;
  /** Made anew for every endpoint: it may remember. Undefined: this one is honest. */
  readonly endpoint?: (config: EndpointConfig) => Intercept | undefined;
  readonly plan?: (plan: WorldPlan) => WorldPlan;
}

/** The simulator with broken things in it. */
export const sabotaged = ({ config = (honest) => honest, endpoint = () => undefined, plan = (honest) => honest }: Sabotage): Backend => ({
  ...sim,
  open: (honest, options) =>
    Promise.resolve(
      new SimulatedLab(plan(honest), options, (written, random) => {
        const machine = createEndpoint(config(written), random);
        const intercept = endpoint(written);
        return intercept === undefined ? machine : new Intercepted(machine, intercept);
      }),
    ),
});

class Intercepted implements Machine<EndpointInput, EndpointOutput> {
  readonly #honest: Machine<EndpointInput, EndpointOutput>;
  readonly #intercept: Intercept;
  readonly #outputs = new Queue<EndpointOutput>();

  constructor(honest: Machine<EndpointInput, EndpointOutput>, intercept: Intercept) {
    this.#honest = honest;
    this.#intercept = intercept;
    this.#listen(0 as Instant);
  }

  handle(now: Instant, input: EndpointInput): void {
    for (const changed of this.#intercept.heard?.(input, now, (output) => this.#outputs.push(output)) ?? [input]) {
      this.#honest.handle(now, changed);
      this.#listen(now);
    }
  }

  wake(now: Instant): void {
    this.#honest.wake(now);
    this.#listen(now);
  }

  poll(): EndpointOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    return this.#honest.nextWake();
  }

  #listen(now: Instant): void {
    for (let output = this.#honest.poll(); output !== undefined; output = this.#honest.poll()) {
      for (const changed of this.#intercept.said?.(output, now) ?? [output]) this.#outputs.push(changed);
    }
  }
}

// ---- what passes ---------------------------------------------------------------------------------------------------------

/** Only a gateway has an inner address of its own from the start. */
export const isGateway = ({ innerAddress }: EndpointConfig): boolean => innerAddress !== undefined;
export const isClient = (config: EndpointConfig): boolean => !isGateway(config);
export const named = (name: string) => (config: EndpointConfig): boolean => config.name === name;

/** A sabotage of some endpoints only. */
export const only = (whom: (config: EndpointConfig) => boolean, make: () => Intercept): Sabotage => ({ endpoint: (config) => (whom(config) ? make() : undefined) });
export const everybody = (make: () => Intercept): Sabotage => only(() => true, make);

/** Datagrams on their way out; everything else goes as it is. */
export const sending = (change: (datagram: DatagramOut, now: Instant) => readonly EndpointOutput[]): NonNullable<Intercept['said']> => (output, now) => (output.kind === 'datagram' ? change(output, now) : [output]);
export const receiving = (change: (datagram: DatagramIn, now: Instant) => readonly EndpointInput[]): NonNullable<Intercept['heard']> => (input, now) => (input.kind === 'datagram' ? change(input, now) : [input]);
/** What the endpoint tells of itself. */
export const telling = (change: (body: EventOut['body'], now: Instant) => EventOut['body'] | undefined): NonNullable<Intercept['said']> => (output, now) => {
  if (output.kind !== 'event') return [output];
  const body = change(output.body, now);
  return body === undefined ? [] : [{ ...output, body } as EndpointOutput];
};

export const hasMarker = (payload: Uint8Array): boolean => payload.length > 4 && payload.subarray(0, 4).every((octet) => octet === 0);

export const isKeepalive = ({ payload }: { readonly payload: Uint8Array }): boolean => payload.length === 1;
/** Read as RFC 3948 has it: on 4500 it takes a marker to be IKE. */
export const isIke = ({ local, payload }: { readonly local: { readonly port: number }; readonly payload: Uint8Array }): boolean => local.port === 500 || hasMarker(payload);
export const isEsp = (datagram: { readonly local: { readonly port: number }; readonly payload: Uint8Array }): boolean => !isIke(datagram) && !isKeepalive(datagram);
/** The header of IKE, marker or not. */
export function ikeHeader(payload: Uint8Array) {
  const header = decodeHeader(hasMarker(payload) ? stripMarker(payload) : payload);
  return header.ok ? header.value : undefined;
}
/** What is IKE by its own length field, be there a marker or not. */
export function looksLikeIke(payload: Uint8Array): boolean {
  return ikeHeader(payload)?.length === (hasMarker(payload) ? payload.length - 4 : payload.length);
}

export function on(local: 'local' | 'peer', port: number) {
  return <D extends DatagramIn | DatagramOut>(datagram: D): D => ({ ...datagram, [local]: { ...datagram[local], port } });
}

// ---- what is built -------------------------------------------------------------------------------------------------------

export const ikeConfig = (whom: (config: EndpointConfig) => boolean, change: (ike: IkeConfig) => Partial<IkeConfig>): Sabotage => ({
  config: (config) => (whom(config) ? { ...config, ike: { ...config.ike, ...change(config.ike) } } : config),
});

/** Every connection of an endpoint otherwise. */
export const connections = (whom: (config: EndpointConfig) => boolean, change: Partial<IkeConfig['connections'][number]>): Sabotage =>
  ikeConfig(whom, ({ connections: written }) => ({ connections: written.map((connection) => ({ ...connection, ...change })) }));

const nodes = (change: (node: NodePlan, plan: WorldPlan) => NodePlan): Sabotage => ({ plan: (plan) => ({ ...plan, nodes: plan.nodes.map((node) => change(node, plan)) }) });

export const boxes = (change: (behaviour: NatBehaviour) => Partial<NatBehaviour>): Sabotage =>
  nodes((node) => (node.kind === 'nat' ? { ...node, box: { ...node.box, behaviour: { ...node.box.behaviour, ...change(node.box.behaviour) } } } : node));

/** Boxes that hand on whatever comes, untranslated: routers. The gateway is told the way back. */
export const routersForBoxes: Sabotage = nodes((node, plan) => {
  if (node.kind === 'nat') return { kind: 'router', name: node.name, interfaces: node.interfaces, routes: node.routes };
  if (node.kind !== 'host') return node;
  const behind = plan.nodes.filter((other): other is NatPlan => other.kind === 'nat').flatMap((box) => wayBack(box, node, plan));
  return { ...node, routes: [...behind, ...node.routes] };
});

function wayBack(box: NatPlan, node: NodePlan, plan: WorldPlan): NodePlan['routes'] {
  const outside = box.interfaces.find(({ name }) => name === box.outside)!;
  if (!node.interfaces.some(({ segment }) => segment === outside.segment)) return [];
  const inside = box.interfaces.filter(({ name }) => name !== box.outside);
  return inside.map(({ segment }) => ({ to: plan.segments.find(({ name }) => name === segment)!.prefix, via: outside.address }));
}
