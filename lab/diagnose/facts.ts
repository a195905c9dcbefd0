/**
 * What a capture shows, gathered packet by packet: which messages passed where, whose hashes fit, what was answered. Its size has a bound, however long
 * the capture: of what is too much the oldest is forgotten.
 */
import { describeEndpoint } from '../../src/core/address.ts';
import type { Endpoint, IpAddress } from '../../src/core/address.ts';
import { sameBytes, toHex } from '../../src/core/bytes.ts';
import { natDetectionHash } from '../../src/crypto/nat-detection-hash.ts';
import { decodeIp, ports } from '../../src/wire/ip.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { tcpFlags } from '../../src/wire/tcp.ts';
import { Bounded } from '../capture/bounded.ts';
import type { Onlooker } from '../capture/onlooker.ts';
import { takeApart } from '../capture/packet.ts';
import type { TakenApart } from '../capture/packet.ts';
import type { Passed } from '../capture/walk.ts';
import { placeName } from '../capture/walk.ts';
import { readIke } from './ike-facts.ts';
import type { IkeFacts } from './ike-facts.ts';
import type { Moment } from './moment.ts';

/** An item at one place, in one direction. */
export interface Sighting {
  readonly place: string;
  readonly direction: 'in' | 'out' | undefined;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly checksum: TakenApart['checksum'];
  readonly first: Moment;
  last: Moment;
  count: number;
}

/** A message or a packet, wherever it was seen: boxes change addresses and ports, not what is inside. */
export interface Item {
  readonly kind: 'ike' | 'esp' | 'ah';
  /** In the order in which the places saw it. */
  readonly sightings: Sighting[];
  /** `none`: plain, as its own IP protocol. */
  readonly encapsulation: 'none' | 'udp' | 'udp-non-ike';
  readonly version: 4 | 6;
  readonly spi: number;
  readonly ike?: IkeFacts;
  /** What ESP carries, where it could be opened. */
  readonly inner?: Inner;
  /** It came in fragments. */
  pieces: boolean;
}

export interface Inner {
  readonly mode: 'tunnel' | 'transport';
  readonly protocol: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** Two of a conversation have the same, whatever the direction. */
  readonly conversation: string;
  /** Whether it says something by itself, wants an answer, or is one. */
  readonly role: 'request' | 'answer' | 'other';
}

/** Keepalives of one endpoint to another, at one place. */
export interface Keepalives {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly place: string;
  readonly first: Moment;
  last: Moment;
  count: number;
  longest: number;
  exact: boolean;
}

/** All that one has said to another, of IKE, ESP and keepalives, as heard at one place: when there was silence. */
export interface Speech {
  readonly place: string;
  readonly speaker: IpAddress;
  readonly peer: IpAddress;
  last: Moment;
  /** The longest silence: its two ends. */
  silence: { from: Moment; to: Moment } | undefined;
}

/** A packet of which a piece has come to one place. */
export interface Piecemeal {
  readonly place: string;
  readonly from: IpAddress;
  readonly to: IpAddress;
  readonly first: Moment;
  whole: boolean;
}

export interface IcmpError extends Moment {
  readonly place: string;
  readonly by: IpAddress;
  readonly kind: string;
  /** There is no way at all, which is no refusal. */
  readonly noWay: boolean;
  readonly about: TakenApart;
}

/** In seconds: nobody sends again so soon; what a bridge shows at its ports and at itself is one packet. */
const atOnce = 0.01;

export class Facts {
  readonly title: string | undefined;
  readonly items = new Bounded<string, Item>(8192);
  readonly ike = new Bounded<string, Item>(4096);
  readonly keepalives = new Bounded<string, Keepalives>(512);
  readonly speeches = new Bounded<string, Speech>(512);
  readonly piecemeal = new Bounded<string, Piecemeal>(512);
  readonly errors: IcmpError[] = [];
  /** Every place, with the last moment of which it could tell. */
  readonly places = new Bounded<string, { until: number }>(256);
  packets = 0;
  readonly #onlooker: Onlooker;
  readonly #began: bigint;
  /** Of conversations inside: how many questions of whom wait for an answer. */
  readonly #waiting = new Bounded<string, Map<string, { readonly listener: string; count: number }>>(4096);
  #until = 0;

  constructor(title: string | undefined, began: bigint, onlooker: Onlooker) {
    this.title = title;
    this.#began = began;
    this.#onlooker = onlooker;
  }

  /** The end of the capture, in seconds since it began. */
  get until(): number {
    return this.#until;
  }

  see(passed: Passed): void {
    const place = placeName(passed.kind === 'packet' ? passed.frame.place : passed.place);
    const at = Number((passed.kind === 'packet' ? passed.frame.at : passed.at) - this.#began) / 1e9;
    this.#until = Math.max(this.#until, at);
    this.places.set(place, { until: at });
    if (passed.kind !== 'packet') return;
    this.packets++;
    const moment = { frame: passed.frame.number, at };
    const { packet, whole } = passed;
    if (packet?.fragment !== undefined) this.#note(place, packet, packet.fragment.identification, moment).whole ||= whole !== undefined;
    if (whole !== undefined) this.#take(place, passed.frame.direction, moment, whole.packet, true);
    else if (packet !== undefined && packet.fragment === undefined) this.#take(place, passed.frame.direction, moment, packet, false);
  }

  #note(place: string, { from, to }: TakenApart, identification: number, first: Moment): Piecemeal {
    const name = `${place} ${from.address} ${to.address} ${identification}`;
    const known = this.piecemeal.get(name) ?? { place, from: from.address, to: to.address, first, whole: false };
    this.piecemeal.set(name, known);
    return known;
  }

  #take(place: string, direction: Sighting['direction'], moment: Moment, packet: TakenApart, pieces: boolean): void {
    const { content, from, to, error } = packet;
    if (error !== undefined) {
      const about = takeApart(error.quoted, true);
      if (about !== undefined && this.errors.length < 64) this.errors.push({ ...moment, place, by: from.address, kind: error.kind, noWay: error.noWay, about });
      return;
    }
    if (content.kind === 'other') return;
    this.#onlooker.see(place, packet);
    this.#speak(place, from, to, moment);
    if (content.kind === 'keepalive') this.#keepalive(place, packet, content.exact, moment);
    else this.#sight(place, direction, moment, packet, pieces);
  }

  #speak(place: string, from: Endpoint, to: Endpoint, moment: Moment): void {
    const name = `${place} ${from.address} ${to.address}`;
    const known = this.speeches.get(name);
    if (known === undefined) this.speeches.set(name, { place, speaker: from.address, peer: to.address, last: moment, silence: undefined });
    else {
      if (known.silence === undefined || moment.at - known.last.at > known.silence.to.at - known.silence.from.at) known.silence = { from: known.last, to: moment };
      known.last = moment;
    }
  }

  #keepalive(place: string, { from, to }: TakenApart, exact: boolean, moment: Moment): void {
    const name = `${place} ${describeEndpoint(from)} ${describeEndpoint(to)}`;
    const known = this.keepalives.get(name);
    if (known === undefined) this.keepalives.set(name, { from, to, place, first: moment, last: moment, count: 1, longest: 0, exact });
    else {
      known.longest = Math.max(known.longest, moment.at - known.last.at);
      known.last = moment;
      known.count++;
      known.exact &&= exact;
    }
  }

  #sight(place: string, direction: Sighting['direction'], moment: Moment, packet: TakenApart, pieces: boolean): void {
    const { content } = packet;
    if (content.kind !== 'ike' && content.kind !== 'esp' && content.kind !== 'ah') return;
    const name = content.kind === 'ike' ? `${toHex(content.message.subarray(0, 28))} ${toHex(content.message.slice(-16))}` : `${content.kind} ${content.spi} ${content.sequence} ${packet.payload.length}`;
    const items = content.kind === 'ike' ? this.ike : this.items;
    let item = items.get(name);
    if (item === undefined) items.set(name, (item = this.#item(packet, content)));
    item.pieces ||= pieces;
    const known = item.sightings.find((one) => one.place === place && one.direction === direction && one.from.address === packet.from.address && one.from.port === packet.from.port && one.to.address === packet.to.address);
    if (known !== undefined) {
      if (moment.at - known.last.at > atOnce) known.count++;
      known.last = moment;
    } else if (item.sightings.length < 16) item.sightings.push({ place, direction, from: packet.from, to: packet.to, checksum: packet.checksum, first: moment, last: moment, count: 1 });
    if (item.ike !== undefined && content.kind === 'ike') this.#compareHashes(item.ike, place, packet, content.message, moment);
  }

  #item(packet: TakenApart, content: Exclude<TakenApart['content'], { kind: 'keepalive' | 'other' }>): Item {
    const common = { kind: content.kind, sightings: [], version: packet.version, pieces: false };
    if (content.kind === 'ike') return { ...common, encapsulation: 'none', spi: 0, ike: readIke(content.message, content.marker, this.#onlooker) };
    const encapsulation = content.kind === 'esp' ? content.encapsulation : 'none';
    const opened = content.kind === 'esp' ? this.#onlooker.esp(content.encapsulation === 'udp-non-ike' ? packet.payload.subarray(8) : packet.payload) : undefined;
    const carried = content.kind === 'ah' ? { nextHeader: content.around, payload: content.carried } : opened;
    const inner = carried && this.#inner(carried, packet);
    return { ...common, encapsulation, spi: content.spi, ...(inner !== undefined && { inner }) };
  }

  #inner({ nextHeader, payload }: { readonly nextHeader: number; readonly payload: Uint8Array }, { from, to }: TakenApart): Inner | undefined {
    const tunnel = nextHeader === protocols.ipv4 || nextHeader === protocols.ipv6;
    const packet = tunnel ? decodeIp(payload) : undefined;
    if (packet?.ok === false) return undefined;
    const [source, destination, protocol, bytes] = packet === undefined ? [from.address, to.address, nextHeader, payload] : [packet.value.source, packet.value.destination, packet.value.protocol, packet.value.payload];
    const pair = ports({ protocol, payload: bytes }) ?? { source: 0, destination: 0 };
    const mode = tunnel ? 'tunnel' : 'transport';
    if (protocol === protocols.icmp || protocol === protocols.icmpv6) {
      const isRequest = bytes[0] === 8 || bytes[0] === 128;
      const isReply = bytes[0] === 0 || bytes[0] === 129;
      const identity = bytes.length >= 8 ? toHex(bytes.subarray(4, 8)) : '';
      const named = (address: IpAddress): Endpoint => ({ address, port: 0 });
      return { mode, protocol, from: named(source), to: named(destination), conversation: `icmp ${identity}`, role: isRequest ? 'request' : isReply ? 'answer' : 'other' };
    }
    const one = { address: source, port: pair.source };
    const other = { address: destination, port: pair.destination };
    // in transport mode the addresses are those on the way, which boxes change: ports have to do
    const sides = (tunnel ? [describeEndpoint(one), describeEndpoint(other)] : [String(one.port), String(other.port)]);
    const conversation = `${protocol} ${[...sides].sort().join(' ')}`;
    return { mode, protocol, from: one, to: other, conversation, role: this.#roleOf(protocol, bytes, conversation, { speaker: tunnel ? source : describeEndpoint(from), listener: tunnel ? destination : to.address }) };
  }

  /** Of UDP an answer is what follows a question in the other direction; of TCP a question is a SYN. */
  #roleOf(protocol: number, bytes: Uint8Array, conversation: string, { speaker, listener }: { readonly speaker: string; readonly listener: string }): Inner['role'] {
    if (protocol === protocols.tcp) {
      const flags = bytes[13] ?? 0;
      return (flags & tcpFlags.syn) === 0 ? 'answer' : (flags & tcpFlags.ack) === 0 ? 'request' : 'answer';
    }
    if (protocol !== protocols.udp) return 'other';
    let waiting = this.#waiting.get(conversation);
    if (waiting === undefined) this.#waiting.set(conversation, (waiting = new Map<string, { readonly listener: string; count: number }>()));
    for (const [name, asker] of waiting) {
      if (name === speaker || asker.listener === listener || asker.count === 0) continue; // who speaks to the same one asks, too
      asker.count--;
      return 'answer';
    }
    const own = waiting.get(speaker);
    if (own !== undefined) own.count++;
    else if (waiting.size < 64) waiting.set(speaker, { listener, count: 1 });
    return 'request';
  }

  /** Whether the hashes of NAT detection fit where the message is seen. */
  #compareHashes(ike: IkeFacts, place: string, { from, to }: TakenApart, message: Uint8Array, moment: Moment): void {
    if (ike.sourceHashes.length + ike.destinationHashes.length === 0 || ike.detections.some((known) => known.place === place)) return;
    const over = ({ address, port }: Endpoint): Uint8Array => natDetectionHash(message.subarray(0, 8), message.subarray(8, 16), address, port, this.#onlooker.hashOf(message));
    const fits = (hashes: readonly Uint8Array[], endpoint: Endpoint): boolean => hashes.some((hash) => sameBytes(hash, over(endpoint)));
    ike.detections.push({ place, ...moment, from, to, source: fits(ike.sourceHashes, from), destination: fits(ike.destinationHashes, to) });
  }
}
