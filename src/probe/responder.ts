import { describeEndpoint, type Endpoint, type IpAddress } from '../core/address.ts';
import { toHex } from '../core/bytes.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import { after, hours, milliseconds, minutes, type Duration, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';
import { fragmentIpv4, isIpv4Fragment } from '../wire/fragmentation.ts';
import { Reassembly } from '../wire/reassembly.ts';
import { encodeIcmp, unreachableCodes } from '../wire/icmp.ts';
import { decodeIpv4, encodeIpv4 } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';
import { binding, mustBeUnderstood, stunAttribute, type StunAttribute, type StunMessage } from '../wire/stun.ts';
import { answeredAfter, answersWanted, canBeSighted, empowered, natTraversalHeard, probeTypes, provokes, sighted, tagged, tagOf, tagsToReport, type Power, type Sighting, type Tag } from './attributes.ts';
import { answeringSpi, decodeLetter, encodeLetter } from './carrier.ts';
import type { Letter } from './letter.ts';

export interface ResponderConfig {
  /** Without a second address it can tell less of a box, and says so (RFC 5780 §6). */
  readonly addresses: readonly [primary: IpAddress, alternate?: IpAddress];
  /** STUN's own port and the other one. */
  readonly ports: readonly [primary: number, alternate: number];
  readonly powers: ReadonlySet<Power>;
}

export const stunPorts = [3478, 3479] as const;
export const ikePorts = [500, 4500] as const;

/** The largest packet that it sends in one piece. */
const mtu = 1500;
/** What one who asks for much can make it remember, at the most. */
const mostFlows = 8192;
const mostAnswers = 16;
const longestDelay = hours(4);
const memory = minutes(60);

interface Flow {
  readonly tag: Tag;
  sighting: Sighting | undefined;
  fragments: number;
  /** Answers that are still due; a new request of the flow takes their place. */
  readonly due: Set<DueAnswer>;
}

interface DueAnswer {
  readonly flow: Flow;
  readonly request: Letter;
  readonly delay: Duration;
}

/**
 * The far side of the probe: a STUN server as RFC 5780 has it, which besides answers late or not at all where it is asked to, in whatever carrier the
 * request came, and tells what it saw. In and out go whole IPv4 packets. It never sends to anybody but the sender of a request.
 */
export class Responder implements Machine<Uint8Array, Uint8Array> {
  readonly #config: ResponderConfig;
  readonly #flows = new Map<Tag, Flow>();
  readonly #timers = new Timers<DueAnswer | Flow>();
  readonly #reassembly = new Reassembly();
  /** Fragments of datagrams that are not whole yet, by source and identification; the flow is known once the first fragment is there. */
  readonly #pieces = new Map<string, { count: number; tag: Tag | undefined }>();
  readonly #outputs = new Queue<Uint8Array>();
  #identification = 0;

  constructor(config: ResponderConfig) {
    this.#config = config;
  }

  handle(now: Instant, packet: Uint8Array): void {
    this.wake(now);
    const whole = this.#whole(now, packet);
    const letter = whole && decodeLetter(whole.packet);
    if (letter?.ok !== true || !this.#config.addresses.includes(letter.value.to.address)) return;
    const { message } = letter.value;
    if (message.method !== binding || message.class !== 'request') return;
    const flow = this.#see(now, letter.value, whole!.fragments);
    if (letter.value.checksum === 'wrong') return; // seen, but no receiver would take it
    if (provokes(message)) return this.#refuse(letter.value, whole!.packet);
    const tags = tagsToReport(message);
    if (tags.length > 0) return this.#answer(letter.value, tags.flatMap((tag) => this.#sightingOf(tag)));
    const delays = answersWanted(message);
    if (delays === undefined || flow === undefined) return this.#answer(letter.value);
    for (const due of flow.due) this.#timers.cancel(due);
    flow.due.clear();
    for (const delay of delays.slice(0, mostAnswers)) {
      const due = { flow, request: letter.value, delay: milliseconds(Math.min(delay, longestDelay)) };
      flow.due.add(due);
      this.#timers.set(due, after(now, due.delay));
    }
  }

  wake(now: Instant): void {
    for (let due = this.#timers.take(now); due !== undefined; due = this.#timers.take(now)) {
      if ('tag' in due) {
        this.#flows.delete(due.tag);
      } else {
        due.flow.due.delete(due);
        this.#answer(due.request, [answeredAfter(due.delay)]);
      }
    }
    this.#reassembly.expire(now);
  }

  poll(): Uint8Array | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const next = this.#timers.next();
    const fragments = this.#reassembly.nextExpiry();
    if (fragments !== undefined && (next === undefined || fragments < next.at)) return { at: fragments, reason: 'fragments that found no whole are given up' };
    if (next === undefined) return undefined;
    return 'tag' in next.key ? { at: next.at, reason: 'a flow is forgotten' } : { at: next.at, reason: `an answer to ${describeEndpoint(next.key.request.from)} is due` };
  }

  // ---- what it sees ----

  /** The packet, or what its fragments make; with how many there were. */
  #whole(now: Instant, packet: Uint8Array): { readonly packet: Uint8Array; readonly fragments: number } | undefined {
    const ip = decodeIpv4(packet);
    if (!ip.ok) return undefined;
    if (!isIpv4Fragment(packet)) return { packet, fragments: 0 };
    const name = `${ip.value.source} ${ip.value.identification}`;
    const pieces = this.#pieces.get(name) ?? { count: 0, tag: undefined };
    if (this.#pieces.size >= mostFlows) this.#pieces.clear();
    this.#pieces.set(name, pieces);
    pieces.count++;
    pieces.tag ??= ip.value.fragmentOffset === 0 ? tagInBeginning(ip.value.payload) : undefined;
    const flow = pieces.tag === undefined ? undefined : this.#flow(now, pieces.tag);
    if (flow) flow.fragments = Math.max(flow.fragments, pieces.count);
    const { packet: put } = this.#reassembly.add(now, packet);
    if (put === undefined) return undefined;
    this.#pieces.delete(name);
    return { packet: put, fragments: pieces.count };
  }

  #see(now: Instant, { carrier, from, to, checksum, message }: Letter, fragments: number): Flow | undefined {
    const tag = tagOf(message);
    if (tag === undefined || !canBeSighted(from)) return undefined;
    const flow = this.#flow(now, tag);
    flow.fragments = fragments;
    flow.sighting = { tag, count: (flow.sighting?.count ?? 0) + 1, carrier, from, to, checksum, fragments };
    return flow;
  }

  #flow(now: Instant, tag: Tag): Flow {
    const flow = this.#flows.get(tag) ?? { tag, sighting: undefined, fragments: 0, due: new Set<DueAnswer>() };
    if (!this.#flows.has(tag)) {
      if (this.#flows.size >= mostFlows) this.#forget(this.#flows.values().next().value!);
      this.#flows.set(tag, flow);
    }
    this.#timers.set(flow, after(now, milliseconds(memory + longestDelay)));
    return flow;
  }

  #forget(flow: Flow): void {
    for (const due of flow.due) this.#timers.cancel(due);
    this.#timers.cancel(flow);
    this.#flows.delete(flow.tag);
  }

  /** A flow of which only fragments came that made no whole has been seen no times. */
  #sightingOf(tag: Tag): StunAttribute[] {
    const flow = this.#flows.get(tag);
    if (flow === undefined) return [];
    const nowhere: Endpoint = { address: this.#config.addresses[0], port: 0 };
    return [sighted(flow.sighting ?? { tag, count: 0, carrier: 'udp', from: nowhere, to: nowhere, checksum: 'computed', fragments: flow.fragments })];
  }

  // ---- what it says ----

  #answer(request: Letter, more: readonly StunAttribute[] = []): void {
    const { message } = request;
    const unknown = message.attributes.flatMap((attribute) => (attribute.kind === 'other' && mustBeUnderstood(attribute.type) ? [attribute.type] : []));
    const from = this.#origin(request);
    if (unknown.length > 0 || from === undefined) {
      const types = from === undefined ? [...unknown, changeRequestType] : unknown;
      return this.#send(request, request.to, 'error', [{ kind: 'error-code', code: 420, reason: 'Unknown Attribute' }, { kind: 'unknown-attributes', types }]);
    }
    this.#send(request, from, 'success', [...this.#mapped(request), ...this.#echoed(request, from), ...more]);
  }

  /** With port unreachable, and the packet as it arrived. */
  #refuse({ from, to }: Letter, packet: Uint8Array): void {
    this.#outputs.push(encodeIpv4({ source: to.address, destination: from.address, protocol: protocols.icmp, payload: encodeIcmp({ kind: 'unreachable', code: unreachableCodes.port, quoted: packet }) }));
  }

  #mapped({ from }: Letter): StunAttribute[] {
    return [{ kind: 'xor-mapped-address', endpoint: from }, { kind: 'mapped-address', endpoint: from }];
  }

  #echoed({ message, to, disguise }: Letter, from: Endpoint): StunAttribute[] {
    const tag = tagOf(message);
    const padding = stunAttribute(message, 'padding');
    const [primary, alternate] = this.#config.addresses;
    const otherAddress = alternate === undefined ? undefined : { address: to.address === primary ? alternate : primary, port: this.#otherPort(to.port) };
    return [
      ...(tag === undefined ? [] : [tagged(tag)]),
      { kind: 'response-origin', endpoint: from },
      ...(otherAddress === undefined ? [] : [{ kind: 'other-address', endpoint: otherAddress } as const]),
      empowered(this.#config.powers),
      { kind: 'software', text: 'natt-lab' },
      ...(disguise === undefined ? [] : [natTraversalHeard(disguise.natTraversal)]),
      ...(padding === undefined ? [] : [padding]), // RFC 5780 §7.6 would have it as long as the MTU; as long as the request's, nobody gains by asking in another's name
    ];
  }

  /** Where an answer is to come from: RFC 5780 §7.2. Undefined where there is no such place. */
  #origin({ to, carrier, message }: Letter): Endpoint | undefined {
    const change = stunAttribute(message, 'change-request');
    if (change === undefined) return to;
    const [primary, alternate] = this.#config.addresses;
    const address = !change.address ? to.address : to.address === primary ? alternate : primary;
    return address && { address, port: change.port && carrier === 'udp' ? this.#otherPort(to.port) : to.port };
  }

  #otherPort(port: number): number {
    const [primary, alternate] = this.#config.ports;
    return port === alternate ? primary : alternate;
  }

  #send(request: Letter, from: Endpoint, stunClass: 'success' | 'error', attributes: readonly StunAttribute[]): void {
    const port = stunAttribute(request.message, 'response-port')?.port ?? request.from.port;
    const message: StunMessage = { class: stunClass, method: binding, transaction: request.message.transaction, attributes };
    const letter: Letter = { ...request, from, to: { address: request.from.address, port }, message, checksum: 'computed', spi: request.carrier === 'esp' ? answeringSpi(request.spi) : 0 };
    this.#identification = (this.#identification + 1) & 0xffff;
    const packet = encodeLetter(letter, this.#identification);
    const pieces = packet.length <= mtu ? [packet] : fragmentIpv4(packet, mtu);
    if (typeof pieces !== 'string') for (const piece of pieces) this.#outputs.push(piece);
  }
}

const changeRequestType = 0x0003;

/** The tag of a UDP datagram of which only the beginning is there: the probe puts it in front of the padding. */
function tagInBeginning(payload: Uint8Array): Tag | undefined {
  const text = toHex(payload.subarray(0, 256));
  const head = `${probeTypes.tag.toString(16)}0008`;
  const at = text.indexOf(head);
  const tag = at < 0 ? '' : text.slice(at + head.length, at + head.length + 16);
  return tag.length === 16 ? tag : undefined;
}
