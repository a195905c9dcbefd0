import { sameEndpoint, type Endpoint, type IpAddress } from '../core/address.ts';
import { toHex } from '../core/bytes.ts';
import { Queue } from '../core/queue.ts';
import { below, type Random } from '../core/random.ts';
import { after, milliseconds, start, type Duration, type Instant } from '../core/time.ts';
import { fragmentIpv4, isIpv4Fragment } from '../wire/fragmentation.ts';
import { Reassembly } from '../wire/reassembly.ts';
import { decodeIcmp } from '../wire/icmp.ts';
import { decodeIpv4, ipv4Fault } from '../wire/ipv4.ts';
import { protocols } from '../wire/protocols.ts';
import { binding, mappedEndpoint, type StunAttribute } from '../wire/stun.ts';
import { answerAfter, delayOfAnswer, report, sightingsIn, tagged, tagOf, type Power, type Sighting, type Tag } from './attributes.ts';
import { decodeLetter, encodeLetter, quotedLetter, spiOf } from './carrier.ts';
import type { IkeVersion } from './disguise.ts';
import type { Experiment } from './experiment.ts';
import type { Carrier, Letter } from './letter.ts';

/** The server as it has made itself known. */
export interface Server {
  readonly primary: Endpoint;
  /** Its other address and port; undefined where it has one address only. */
  readonly alternate: Endpoint | undefined;
  /** Undefined where it is a STUN server like any other. */
  readonly powers: ReadonlySet<Power> | undefined;
}

export interface BenchConfig {
  /** The probing host's own address and, where it has one, another that stands for a second client. */
  readonly hosts: readonly [first: IpAddress, second?: IpAddress];
  /** What this host may do beside UDP from high ports. */
  readonly powers: ReadonlySet<Power>;
  /** How long an answer may take before it counts as none. Requests are sent three times in it. */
  readonly patience: Duration;
  /** How long both sides speak before a box is taken to believe in a flow. Linux wants more than 2 s. */
  readonly conversation: Duration;
}

export interface Question {
  readonly carrier?: Carrier;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** Answer from another address, another port (RFC 5780 §7.2). */
  readonly change?: { readonly address: boolean; readonly port: boolean };
  /** The flow that it belongs to; one of its own where nothing is said. */
  readonly tag?: Tag;
  /** When to answer instead of at once; never, where it is empty. */
  readonly answerAfter?: readonly Duration[];
  readonly checksum?: 'computed' | 'zero';
  /** Octets that make it too large for one packet, and the order in which its fragments go. */
  readonly padding?: { readonly length: number; readonly order: 'in-order' | 'last-first' };
  /** On IKE's ports: in which version's clothes. */
  readonly ike?: IkeVersion;
  readonly more?: readonly StunAttribute[];
}

export interface Answer {
  readonly at: Instant;
  /** What the server saw as the sender. */
  readonly mapped: Endpoint;
  /** How late it was asked to be. */
  readonly after: Duration;
  readonly letter: Letter;
}

/** A question with the answers that have come. */
export interface Exchange {
  readonly question: Question;
  readonly tag: Tag;
  readonly answers: Answer[];
  /** ICMP errors: who sent the packet that they quote, by what they say. */
  readonly errors: Endpoint[];
  sentAt: Instant;
}

const tries = 3;
/** What one report has room for. */
const flowsAReport = 32;
const firstPort = 40000;
const lastPort = 59999;

/** What experiments work with: ports of their own, questions and answers, time that passes. */
export class Bench {
  readonly config: BenchConfig;
  readonly #random: Random;
  readonly #outbox = new Queue<Uint8Array>();
  readonly #exchanges = new Map<string, Exchange>();
  /** Requests that came from elsewhere: a neighbour's, by a hairpin. */
  readonly #strays: Letter[] = [];
  readonly #reassembly = new Reassembly();
  #fragmentsHeard = 0;
  #now = start;
  #nextPort: number;
  #identification: number;
  /** Where reports are asked for: a flow that is never let to rest. */
  #reporting: Endpoint | undefined;

  constructor(config: BenchConfig, random: Random) {
    this.config = config;
    this.#random = random;
    this.#nextPort = firstPort + below(random, 10_000);
    this.#identification = below(random, 0x1_0000);
  }

  get now(): Instant {
    return this.#now;
  }

  setNow(now: Instant): void {
    this.#now = now;
  }

  // ---- endpoints and names ----

  get first(): IpAddress {
    return this.config.hosts[0];
  }

  get second(): IpAddress | undefined {
    return this.config.hosts[1];
  }

  /** An endpoint that nothing has been sent from; the next one has the next port. */
  fresh(host: IpAddress = this.first): Endpoint {
    const port = this.#nextPort++;
    if (this.#nextPort > lastPort) this.#nextPort = firstPort;
    return { address: host, port };
  }

  newTag(): Tag {
    return toHex(this.#random.bytes(8));
  }

  // ---- sending and hearing ----

  /** Sends it once. */
  pose(question: Question, exchange = this.#newExchange(question)): Exchange {
    const transaction = this.#random.bytes(12);
    this.#exchanges.set(toHex(transaction), exchange);
    exchange.sentAt = this.#now;
    this.#transmit(question, exchange.tag, transaction);
    return exchange;
  }

  /** Poses all and waits until each is answered, or patience is over. Who waits for an answer asks up to three times. */
  *ask(...questions: readonly Question[]): Experiment<readonly Exchange[]> {
    const exchanges = questions.map((question) => this.pose(question));
    const answered = (): boolean => exchanges.every(({ answers }) => answers.length > 0);
    const interval = milliseconds(this.config.patience / tries);
    for (let round = 1; round <= tries && !answered(); round++) {
      yield { at: after(this.#now, interval), reason: 'an answer is awaited', ready: answered };
      if (round < tries) for (const exchange of exchanges) if (exchange.answers.length === 0) this.pose(exchange.question, exchange);
    }
    return exchanges;
  }

  /** One question's first answer; undefined when there is none. */
  *askOne(question: Question): Experiment<Answer | undefined> {
    const [exchange] = yield* this.ask(question);
    return exchange!.answers[0];
  }

  *pass(time: Duration, reason: string): Experiment<void> {
    if (time > 0) yield { at: after(this.#now, time), reason };
  }

  /** What the server saw of these flows, by tag. */
  *reports(server: Server, tags: readonly Tag[]): Experiment<ReadonlyMap<Tag, Sighting>> {
    const from = this.#reportingFrom();
    const pages = Array.from({ length: Math.ceil(tags.length / flowsAReport) }, (_, i) => tags.slice(i * flowsAReport, (i + 1) * flowsAReport));
    const exchanges = yield* this.ask(...pages.map((page) => ({ from, to: server.primary, more: [report(page)] })));
    return new Map(exchanges.flatMap(({ answers: [answer] }) => (answer === undefined ? [] : sightingsIn(answer.letter.message).map((sighting) => [sighting.tag, sighting] as const))));
  }

  /** No late answer is wanted any more for these: it would reach whoever has the outside port by then, and keep his mapping alive. */
  callOff(server: Server, tags: readonly Tag[]): void {
    for (const tag of tags) this.pose({ from: this.#reportingFrom(), to: server.primary, tag, answerAfter: [] });
  }

  #reportingFrom(): Endpoint {
    return (this.#reporting ??= this.fresh());
  }

  /** Requests with this tag that came to one of our endpoints. */
  straysOf(tag: Tag): readonly Letter[] {
    return this.#strays.filter(({ message }) => tagOf(message) === tag);
  }

  get fragmentsHeard(): number {
    return this.#fragmentsHeard;
  }

  hear(packet: Uint8Array): void {
    const whole = this.#whole(packet);
    if (whole === undefined) return;
    const error = errorIn(whole);
    if (error) return void this.#exchanges.get(toHex(error.message.transaction))?.errors.push(error.from);
    const letter = decodeLetter(whole);
    if (!letter.ok) return;
    const { message } = letter.value;
    if (message.class === 'request') {
      if (this.#strays.length < mostStrays) this.#strays.push(letter.value);
      return;
    }
    const mapped = mappedEndpoint(message);
    const exchange = this.#exchanges.get(toHex(message.transaction));
    if (message.class !== 'success' || mapped === undefined || exchange === undefined) return;
    if (!sameEndpoint(exchange.question.from, letter.value.to)) return; // gone astray: who asked has lost his outside endpoint to another flow
    exchange.answers.push({ at: this.#now, mapped, after: delayOfAnswer(message), letter: letter.value });
  }

  #whole(packet: Uint8Array): Uint8Array | undefined {
    if (ipv4Fault(packet)) return undefined;
    if (!isIpv4Fragment(packet)) return packet;
    this.#fragmentsHeard++;
    this.#reassembly.expire(this.#now);
    return this.#reassembly.add(this.#now, packet).packet;
  }

  poll(): Uint8Array | undefined {
    return this.#outbox.shift();
  }

  #newExchange(question: Question): Exchange {
    return { question, tag: question.tag ?? this.newTag(), answers: [], errors: [], sentAt: this.#now };
  }

  #transmit({ carrier = 'udp', from, to, change, answerAfter: delays, checksum = 'computed', padding, ike = 'v2', more = [] }: Question, tag: Tag, transaction: Uint8Array): void {
    const attributes: StunAttribute[] = [
      tagged(tag), // in front: a first fragment must have it
      ...(change === undefined ? [] : [{ kind: 'change-request', ...change } as const]),
      ...(delays === undefined ? [] : [answerAfter(delays)]),
      ...more,
      ...(padding === undefined ? [] : [{ kind: 'padding', length: padding.length } as const]),
    ];
    this.#identification = (this.#identification + 1) & 0xffff;
    const letter: Letter = { carrier, from, to, checksum, spi: carrier === 'esp' ? spiOf(tag) : 0, disguise: { version: ike, natTraversal: true }, message: { class: 'request', method: binding, transaction, attributes } };
    const packet = encodeLetter(letter, this.#identification);
    const pieces = packet.length <= mtu ? [packet] : fragmentIpv4(packet, mtu);
    if (typeof pieces === 'string') return;
    for (const piece of padding?.order === 'last-first' ? pieces.toReversed() : pieces) this.#outbox.push(piece);
  }
}

function errorIn(packet: Uint8Array): ReturnType<typeof quotedLetter> {
  const ip = decodeIpv4(packet);
  if (!ip.ok || ip.value.protocol !== protocols.icmp) return undefined;
  const icmp = decodeIcmp(ip.value.payload);
  return icmp.ok && icmp.value.kind === 'unreachable' ? quotedLetter(icmp.value.quoted) : undefined;
}

const mtu = 1500;
const mostStrays = 256;
