import { inPrefix, isIpv4, parsePrefix, type IpAddress, type Prefix } from '../core/address.ts';
import { setU16, u16At } from '../core/bytes.ts';
import type { DropReason } from '../core/drop.ts';
import type { DropEvent, Side } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { adjusted } from '../wire/checksum.ts';
import { carriesIcmp, decodeIcmpOf, encodeEchoPacket } from '../wire/echo.ts';
import { fragmentIpv4, fragmentIpv6 } from '../wire/fragmentation.ts';
import { Reassembly } from '../wire/reassembly.ts';
import { decodeIp, type IpPacket } from '../wire/ip.ts';
import { ipv4At } from '../wire/ipv4.ts';
import { ipv6At, ipv6LeastMtu } from '../wire/ipv6.ts';
import { icmpErrorPacket, type Fault } from './icmp-error.ts';
import type { InterfacePlan, RoutePlan } from './plan.ts';
import { RoutingTable, type Route } from './routing-table.ts';
import type { Segment, Station } from './segment.ts';

/** The tunnel device: what is routed into it meets the IPsec policy. With ESP in UDP around it, a packet of its MTU still fits an Ethernet. */
export const tunnel = 'tunnel';
const tunnelMtu = 1400;

/** An interface on its segment. */
export interface Attachment extends InterfacePlan {
  readonly mtu: number;
  readonly neighbours: Pick<Segment, 'neighbour'>;
}

export interface IpNodeConfig {
  readonly attachments: readonly Attachment[];
  readonly routes: readonly RoutePlan[];
  readonly forwards: boolean;
  /** The outside of a NAT box: what crosses between this interface and the others is handed out instead of forwarded. */
  readonly border?: Border;
}

export interface Border {
  readonly interface: string;
  /** The box is given whole packets only: it knows whose a fragment is by its ports. */
  readonly reassembles: boolean;
}

export type IpNodeInput =
  /** A packet that came in on an interface, or out of the tunnel. */
  | { readonly kind: 'packet'; readonly interface: string; readonly packet: Uint8Array }
  /** A packet of the node's own; `clear`: not into the tunnel. `errors`: where the ICMP error goes if it cannot be sent. */
  | { readonly kind: 'send'; readonly packet: Uint8Array; readonly clear: boolean; readonly errors: 'to-sender' | 'returned' }
  /** What was handed up has no taker here. */
  | { readonly kind: 'unclaimed'; readonly local: LocalPacket; readonly missing: 'no-port' | 'no-protocol' };

/** A packet for this node itself, put together from its fragments. */
export interface LocalPacket {
  readonly ip: IpPacket;
  readonly packet: Uint8Array;
}

export type IpNodeOutput =
  | { readonly kind: 'transmit'; readonly interface: string; readonly to: Station; readonly packet: Uint8Array }
  | { readonly kind: 'tunnel'; readonly packet: Uint8Array }
  /** For the transports of this node. Echo requests are answered already. */
  | { readonly kind: 'local'; readonly local: LocalPacket }
  /** For the NAT box: one hop older, free to be rewritten in place. */
  | { readonly kind: 'crossing'; readonly from: Side; readonly packet: Uint8Array }
  /** A whole ICMP error about a packet that was to be sent. */
  | { readonly kind: 'error'; readonly destination: IpAddress; readonly packet: Uint8Array }
  | { readonly kind: 'drop'; readonly event: DropEvent };

/**
 * The IP layer of a host or router: routes (RFC 1812 §5.2.4), TTL, ICMP errors, fragmentation on the way out, reassembly of what is its own, echo.
 * There is no ARP: the segment knows who is there. Bytes that came in are never written to; what goes on is a copy.
 */
export class IpNode implements Machine<IpNodeInput, IpNodeOutput> {
  readonly #attachments: ReadonlyMap<string, Attachment>;
  readonly #routes = new RoutingTable();
  /** Its own addresses, with the interface that has each. */
  readonly #addresses = new Map<IpAddress, string>();
  readonly #forwards: boolean;
  readonly #border: Border | undefined;
  readonly #reassembly = new Reassembly();
  readonly #outputs = new Queue<IpNodeOutput>();
  #identification: number;

  constructor({ attachments, routes, forwards, border }: IpNodeConfig, random: Random) {
    this.#attachments = new Map(attachments.map((attachment) => [attachment.name, attachment]));
    this.#forwards = forwards;
    this.#border = border;
    this.#identification = random.uint32() & 0xffff;
    for (const { name, address } of attachments) this.#addresses.set(address, name);
    for (const attachment of attachments) this.#routes.add({ to: ownPrefix(attachment), interface: attachment.name });
    for (const { to, via } of routes) this.#routes.add(via === tunnel ? { to, interface: tunnel } : { to, via, interface: this.#interfaceTowards(via) });
  }

  /** The address is this node's from now on: on an interface, or the tunnel. */
  assign(address: IpAddress, interfaceName: string): void {
    if (!this.#addresses.has(address)) this.#addresses.set(address, interfaceName);
  }

  withdraw(address: IpAddress, interfaceName: string): void {
    if (this.#addresses.get(address) === interfaceName) this.#addresses.delete(address);
  }

  has(address: IpAddress): boolean {
    return this.#addresses.has(address);
  }

  /** For the header of the next packet of this node's own (RFC 6864). */
  nextIdentification(): number {
    this.#identification = (this.#identification + 1) & 0xffff;
    return this.#identification;
  }

  handle(now: Instant, input: IpNodeInput): void {
    switch (input.kind) {
      case 'packet':
        return this.#receive(now, input.interface, input.packet);
      case 'send':
        return this.#send(now, input);
      case 'unclaimed':
        return this.#refuse(now, input.local, input.missing);
    }
  }

  wake(now: Instant): void {
    for (const { reason, detail, first } of this.#reassembly.expire(now)) {
      this.#drop(reason, detail, first);
      const about = first && decodeIp(first);
      if (about?.ok) this.#answerWithError(now, 'reassembly-timeout', { ip: about.value, packet: first! });
    }
  }

  poll(): IpNodeOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const at = this.#reassembly.nextExpiry();
    return at === undefined ? undefined : { at, reason: 'fragments that found no whole are given up' };
  }

  #receive(now: Instant, from: string, packet: Uint8Array): void {
    const ip = decodeIp(packet);
    if (!ip.ok) return this.#drop(ip.reason, ip.detail, packet);
    const arrived: LocalPacket = { ip: ip.value, packet };
    const owner = this.#addresses.get(ip.value.destination);
    if (this.#border !== undefined && (from === this.#border.interface || owner === this.#border.interface)) return this.#cross(now, from, arrived);
    if (owner !== undefined) return this.#deliver(now, arrived);
    this.#forward(now, from, arrived);
  }

  #forward(now: Instant, from: string, arrived: LocalPacket): void {
    const { ip, packet } = arrived;
    if (!this.#forwards) return this.#drop('no-route', `not for this host, which does not forward: ${ip.destination}`, packet);
    const route = this.#routes.lookup(ip.destination);
    if (route !== undefined && route.interface === this.#border?.interface) return this.#cross(now, from, arrived);
    const onwards = this.#oneHopOlder(now, from, arrived);
    if (onwards === undefined) return;
    if (route === undefined) return this.#fail(now, 'no-route', { ip, packet: onwards }, 'to-sender', from);
    this.#dispatch(now, route, { ip, packet: onwards }, 'to-sender', from);
  }

  #cross(now: Instant, from: string, arrived: LocalPacket): void {
    const crossing = this.#border?.reassembles ? this.#whole(now, arrived) : arrived;
    const packet = crossing && this.#oneHopOlder(now, from, crossing);
    if (packet !== undefined) this.#outputs.push({ kind: 'crossing', from: from === this.#border?.interface ? 'outside' : 'inside', packet });
  }

  /** RFC 1812 §5.3.1: a copy with one less time to live; undefined when its time is over. */
  #oneHopOlder(now: Instant, from: string, arrived: LocalPacket): Uint8Array | undefined {
    if (arrived.ip.ttl <= 1) {
      this.#fail(now, 'ttl-expired', arrived, 'to-sender', from);
      return undefined;
    }
    const packet = arrived.packet.slice();
    if (arrived.ip.version === 6) {
      packet[ipv6At.hopLimit]!--;
      return packet;
    }
    const before = u16At(packet, ipv4At.ttl); // TTL and protocol make a word of the checksum
    packet[ipv4At.ttl]!--;
    setU16(packet, ipv4At.checksum, adjusted(u16At(packet, ipv4At.checksum), before, before - 0x100));
    return packet;
  }

  #send(now: Instant, { packet, clear, errors }: Extract<IpNodeInput, { kind: 'send' }>): void {
    const ip = decodeIp(packet);
    if (!ip.ok) return this.#drop(ip.reason, ip.detail, packet);
    const sent: LocalPacket = { ip: ip.value, packet };
    if (this.#addresses.has(ip.value.destination)) return this.#deliver(now, sent);
    const route = this.#routes.lookup(ip.value.destination, clear ? tunnel : undefined);
    if (route === undefined) return this.#fail(now, 'no-route', sent, errors);
    this.#dispatch(now, route, sent, errors);
  }

  /** Onto the segment or into the tunnel, in pieces where it does not fit. */
  #dispatch(now: Instant, route: Route, leaving: LocalPacket, errors: Errors, from?: string): void {
    const { ip, packet } = leaving;
    const attachment = this.#attachments.get(route.interface);
    const mtu = attachment?.mtu ?? tunnelMtu;
    const pieces = packet.length <= mtu ? [packet] : this.#cut(leaving, mtu, errors === 'to-sender' && from === undefined);
    if (typeof pieces === 'string') return this.#fail(now, { tooBigFor: mtu }, leaving, errors, from);
    if (attachment === undefined) {
      for (const piece of pieces) this.#outputs.push({ kind: 'tunnel', packet: piece });
      return;
    }
    const to = attachment.neighbours.neighbour(route.via ?? ip.destination);
    if (to === undefined) return this.#fail(now, 'no-neighbour', leaving, errors, from);
    for (const piece of pieces) this.#outputs.push({ kind: 'transmit', interface: route.interface, to, packet: piece });
  }

  /** RFC 8200 §5: only the source of an IPv6 packet may fragment it. */
  #cut({ ip, packet }: LocalPacket, mtu: number, isOwn: boolean): readonly Uint8Array[] | typeof tooBig {
    if (ip.version === 4) return fragmentIpv4(packet, mtu);
    return isOwn && mtu >= ipv6LeastMtu ? fragmentIpv6(packet, mtu, this.nextIdentification()) : tooBig;
  }

  /** The packet itself, or what its fragments make up once the last one is there. */
  #whole(now: Instant, arrived: LocalPacket): LocalPacket | undefined {
    if (arrived.ip.fragment === undefined) return arrived;
    const { packet, discarded } = this.#reassembly.add(now, arrived.packet);
    for (const { reason, detail, first } of discarded) this.#drop(reason, detail, first);
    const whole = packet && decodeIp(packet);
    return whole?.ok ? { ip: whole.value, packet: packet! } : undefined;
  }

  #deliver(now: Instant, arrived: LocalPacket): void {
    const local = this.#whole(now, arrived);
    if (local === undefined) return;
    const { ip, packet } = local;
    if (carriesIcmp(ip)) {
      const message = decodeIcmpOf(ip);
      if (!message.ok) return this.#drop(message.reason, message.detail, packet);
      if (message.value.kind === 'echo-request') {
        const reply = encodeEchoPacket({ source: ip.destination, destination: ip.source }, { ...message.value, kind: 'echo-reply' }, this.nextIdentification());
        return this.#send(now, { kind: 'send', packet: reply, clear: false, errors: 'to-sender' });
      }
    }
    this.#outputs.push({ kind: 'local', local });
  }

  #refuse(now: Instant, local: LocalPacket, missing: 'no-port' | 'no-protocol'): void {
    this.#drop('no-listener', missing === 'no-port' ? 'no socket on this port' : `protocol ${local.ip.protocol} is not spoken here`, local.packet);
    this.#answerWithError(now, missing, local);
  }

  /** The packet goes no further: said in the trace, and to its sender or to whoever handed it in. */
  #fail(now: Instant, fault: keyof typeof faults | { readonly tooBigFor: number }, failed: LocalPacket, errors: Errors, from?: string): void {
    const { reason, detail } = typeof fault === 'string' ? faults[fault] : { reason: 'mtu-exceeded' as const, detail: `larger than the MTU of ${fault.tooBigFor}, and not to be fragmented` };
    this.#drop(reason, `${detail}: ${failed.ip.source} to ${failed.ip.destination}`, failed.packet);
    if (errors === 'to-sender') return this.#answerWithError(now, fault, failed, from);
    const error = this.#errorPacket(fault, failed, from);
    if (error !== undefined) this.#outputs.push({ kind: 'error', destination: failed.ip.source, packet: error });
  }

  /** To its own programs too, as Linux does: a ping hears at once that nobody is there. */
  #answerWithError(now: Instant, fault: Fault, about: LocalPacket, from?: string): void {
    const packet = this.#errorPacket(fault, about, from);
    if (packet !== undefined) this.#send(now, { kind: 'send', packet, clear: false, errors: 'to-sender' });
  }

  /** RFC 1812 §4.3.2.4: an error about a packet for us comes from the address that it was sent to, else from the interface that it came in on. */
  #errorPacket(fault: Fault, { ip, packet }: LocalPacket, from?: string): Uint8Array | undefined {
    const source = this.#addresses.has(ip.destination) ? ip.destination : this.#addressOf(ip.version, from);
    return source && icmpErrorPacket(fault, packet, ip, source);
  }

  #addressOf(version: 4 | 6, interfaceName?: string): IpAddress | undefined {
    let any: IpAddress | undefined;
    for (const [address, holder] of this.#addresses) {
      if (isIpv4(address) !== (version === 4)) continue;
      if (holder === interfaceName) return address;
      any ??= address;
    }
    return any;
  }

  #interfaceTowards(nextHop: IpAddress): string {
    for (const attachment of this.#attachments.values()) if (inPrefix(nextHop, ownPrefix(attachment))) return attachment.name;
    throw new TypeError(`no interface leads to the next hop ${nextHop}`);
  }

  #drop(reason: DropReason, detail: string, bytes?: Uint8Array): void {
    this.#outputs.push({ kind: 'drop', event: { kind: 'drop', reason, detail, ...(bytes && { bytes }) } });
  }
}

type Errors = Extract<IpNodeInput, { kind: 'send' }>['errors'];

const tooBig = 'needs-fragmentation-but-DF';

const faults = {
  'ttl-expired': { reason: 'ttl-expired', detail: 'its time to live is over' },
  'no-route': { reason: 'no-route', detail: 'no route' },
  'no-neighbour': { reason: 'no-neighbour', detail: 'nobody on the segment has the next hop’s address' },
} as const satisfies Partial<Record<Extract<Fault, string>, { reason: DropReason; detail: string }>>;

const ownPrefix = ({ address, prefixLength }: InterfacePlan): Prefix => parsePrefix(`${address}/${prefixLength}`)!;
