/**
 * A NAT64 gateway for IPv6-only clients (RFC 6146): IPv6 inside, one IPv4 address for all outside.
 *
 * It is two boxes in one. The first turns IPv6 into IPv4 and back, packet by packet (RFC 7915): a server is the IPv4 address in its IPv6 one (RFC 6052), and each inside
 * host has an IPv4 address of its own for as long as it has mappings, which nobody ever sees. The second is the NAPT box that all others are, between those
 * addresses and the world; so every knob of a behaviour holds here, too.
 */
import { describeEndpoint, inPrefix, ipv4FromNumber, ipv4ToNumber, prefix, type IpAddress, type Prefix } from '../../core/address.ts';
import { u16At } from '../../core/bytes.ts';
import { refused, type Decoded, type Refusal } from '../../core/decoded.ts';
import type { DropEvent, Mapping, NatEvent } from '../../core/events.ts';
import type { Machine, WakeUp } from '../../core/machine.ts';
import { Queue } from '../../core/queue.ts';
import type { Random } from '../../core/random.ts';
import type { Instant } from '../../core/time.ts';
import { fragmentIpv6 } from '../../wire/fragmentation.ts';
import { ipv4At } from '../../wire/ipv4.ts';
import { decodeIpv6, ipv6LeastMtu } from '../../wire/ipv6.ts';
import type { Ipv6Translation, NatBoxConfig, NatInput, NatOutput } from '../behaviour.ts';
import { NatBox } from '../box.ts';
import { embedded, extracted, prefixLengths } from './embedded.ts';
import { anyMtu, type NextHops } from './icmp-meanings.ts';
import { toIpv4, toIpv6 } from './siit.ts';

/** RFC 7915 §4: nobody on an IPv6 way cuts up what is too long for it, so what IPv4 would have allowed to is cut up here, for any way there can be. */
const mayBeCut = (packet: Uint8Array): boolean => (packet[ipv4At.flagsAndOffset]! & dontFragment) === 0;
const dontFragment = 0x40;

/** The addresses that hosts have between the two boxes: private ones, which must be nobody's outside. */
const between = prefix('172.16.0.0/12');
const firstBetween = ipv4ToNumber(between.address) + 1;
const betweenCount = 2 ** (32 - between.length) - 2;
/** So many hosts without a mapping keep their address. */
const mostIdle = 256;
const betweenInText = /\b(172\.(?:1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3})\b(?::(\d+))?/g;

export class Nat64 implements Machine<NatInput, NatOutput> {
  readonly #name: string;
  readonly #pref64: Prefix;
  readonly #nextHops: NextHops;
  readonly #inside: readonly Prefix[];
  readonly #box: NatBox;
  readonly #hosts = new Hosts();
  readonly #outputs = new Queue<NatOutput>();
  #identification = 0;

  /** Throws where the prefix has none of the lengths of RFC 6052. */
  constructor(config: NatBoxConfig, { pref64, mtu }: Extract<Ipv6Translation, { kind: 'nat64' }>, random: Random) {
    if (!prefixLengths.includes(pref64.length)) throw new TypeError(`a NAT64 prefix has ${prefixLengths.join(', ')} bits, not ${pref64.length}`);
    this.#name = config.name;
    this.#pref64 = pref64;
    this.#nextHops = mtu === undefined ? anyMtu : { ipv4: mtu.outside, ipv6: mtu.inside };
    this.#inside = config.insidePrefixes;
    this.#box = new NatBox({ ...config, insidePrefixes: [between] }, random);
  }

  handle(now: Instant, input: NatInput): void {
    switch (input.kind) {
      case 'control':
        this.#box.handle(now, input);
        return this.#settle();
      case 'packet': {
        const packet = input.from === 'inside' ? this.#outOf6(input.packet) : { ok: true as const, value: input.packet };
        if (!packet.ok) return this.#drop(packet, input.packet);
        this.#box.handle(now, { kind: 'packet', from: input.from, packet: packet.value });
        return this.#settle(input.from === 'inside' ? input.packet : undefined);
      }
    }
  }

  wake(now: Instant): void {
    this.#box.wake(now);
    this.#settle();
  }

  poll(): NatOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    return this.#box.nextWake();
  }

  mappings(now: Instant): Mapping[] {
    return this.#box.mappings(now).map((mapping) => this.#seen(mapping));
  }

  /** A packet of an inside host as the second box takes it. */
  #outOf6(packet: Uint8Array): Decoded<Uint8Array> {
    const read = decodeIpv6(packet);
    if (!read.ok) return read;
    const { source, destination } = read.value;
    if (!this.#inside.some((one) => inPrefix(source, one)) || inPrefix(source, this.#pref64)) return refused('nat-not-inside', `${source} is not among the addresses that ${this.#name} translates`);
    if (!inPrefix(destination, this.#pref64)) return refused('nat-protocol', `${destination} is no IPv4 address behind ${this.#pref64.address}/${this.#pref64.length}, and ${this.#name} speaks IPv4 outside`);
    this.#identification = (this.#identification + 1) & 0xffff;
    return toIpv4(packet, (address) => extracted(address, this.#pref64) ?? this.#hosts.between(address), this.#identification, this.#nextHops);
  }

  /** What the second box has to say. `came`: the packet that it speaks of, as it came. */
  #settle(came?: Uint8Array): void {
    for (let output = this.#box.poll(); output !== undefined; output = this.#box.poll()) {
      if (output.kind === 'event') this.#say(output.event, came);
      else if (output.to === 'outside') this.#outputs.push(output);
      else this.#backInto6(output.packet);
    }
    this.#hosts.forgetIdle();
  }

  #backInto6(packet: Uint8Array): void {
    const turned = toIpv6(packet, (address) => this.#hosts.host(address) ?? embedded(address, this.#pref64), this.#nextHops);
    if (!turned.ok) return this.#drop(turned, packet);
    for (const piece of mayBeCut(packet) ? fragmentIpv6(turned.value, ipv6LeastMtu, u16At(packet, ipv4At.identification)) : [turned.value]) this.#outputs.push({ kind: 'forward', to: 'inside', packet: piece });
  }

  #say(event: NatEvent | DropEvent, came: Uint8Array | undefined): void {
    switch (event.kind) {
      case 'drop': {
        const { bytes, peer } = event;
        const shown = came ?? bytes;
        this.#outputs.push({ kind: 'event', event: { ...event, detail: this.#inWords(event.detail), ...(shown && { bytes: shown }), ...(peer && { peer: { ...peer, address: this.#hosts.host(peer.address) ?? peer.address } }) } });
        return;
      }
      case 'nat-control':
        this.#outputs.push({ kind: 'event', event });
        return;
      case 'mapping-created':
      case 'mapping-expired':
      case 'mapping-removed': {
        const told = { ...event, mapping: this.#seen(event.mapping), story: this.#inWords(event.story) };
        this.#hosts.counts(event.mapping.inside.address, event.kind === 'mapping-created' ? 1 : -1);
        this.#outputs.push({ kind: 'event', event: told });
        return;
      }
    }
  }

  #seen(mapping: Mapping): Mapping {
    return { ...mapping, inside: { ...mapping.inside, address: this.#hosts.host(mapping.inside.address) ?? mapping.inside.address } };
  }

  /** The sentences of the second box, with hosts by the addresses that they know themselves by. */
  #inWords(text: string): string {
    return text.replaceAll(betweenInText, (all, address: IpAddress, port?: string) => {
      const host = this.#hosts.host(address);
      if (host === undefined) return all;
      return port === undefined ? host : describeEndpoint({ address: host, port: Number(port) });
    });
  }

  #drop({ reason, detail }: Refusal, bytes: Uint8Array): void {
    this.#outputs.push({ kind: 'event', event: { kind: 'drop', reason, detail, bytes } });
    this.#hosts.forgetIdle();
  }
}

/** Who has which address between the boxes: those that have mappings, and the last ones that spoke and have none, for their fragments may wait for others. */
class Hosts {
  readonly #between = new Map<IpAddress, IpAddress>();
  readonly #hosts = new Map<IpAddress, IpAddress>();
  /** Mappings of each host that has some. */
  readonly #mappings = new Map<IpAddress, number>();
  readonly #idle = new Set<IpAddress>();
  #next = 0;

  /** The address of a host, a new one where it has none; undefined where all are taken. */
  between(host: IpAddress): IpAddress | undefined {
    const known = this.#between.get(host);
    if (known !== undefined || this.#hosts.size >= betweenCount) return known;
    let address: IpAddress;
    do {
      address = ipv4FromNumber(firstBetween + this.#next);
      this.#next = (this.#next + 1) % betweenCount;
    } while (this.#hosts.has(address));
    this.#between.set(host, address);
    this.#hosts.set(address, host);
    this.#idle.add(address);
    return address;
  }

  host(address: IpAddress): IpAddress | undefined {
    return this.#hosts.get(address);
  }

  counts(address: IpAddress, change: 1 | -1): void {
    const count = (this.#mappings.get(address) ?? 0) + change;
    if (count > 0) {
      this.#mappings.set(address, count);
      this.#idle.delete(address);
    } else {
      this.#mappings.delete(address);
      this.#idle.add(address);
    }
  }

  /** Who has no mapping will have no address either. */
  forgetIdle(): void {
    for (const address of this.#idle) {
      if (this.#idle.size <= mostIdle) return;
      this.#idle.delete(address);
      this.#between.delete(this.#hosts.get(address)!);
      this.#hosts.delete(address);
    }
  }
}
