import { u16At, u32At } from '../core/bytes.ts';
import { refused, type Refusal } from '../core/decoded.ts';
import type { DropReason } from '../core/drop.ts';
import type { Mapping, NatEvent, Side } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { isIpv4Fragment } from '../wire/fragmentation.ts';
import { Reassembly, type Discarded } from '../wire/reassembly.ts';
import { unreachableCodes } from '../wire/icmp.ts';
import { ipv4At, ipv4Fault, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import type { NatBehaviour, NatBoxConfig, NatControl, NatInput, NatOutput } from './behaviour.ts';
import { readFlow, type Flow } from './flow.ts';
import { fragmentOffsetOf, FragmentTrails, isTinyAttack, type Way } from './fragments.ts';
import { helped } from './ipsec-helper.ts';
import { martianFault } from './martians.ts';
import { computeUdpChecksum, rewriteAddresses } from './rewrite.ts';
import { Rows } from './rows.ts';
import { endpointOf } from './stories.ts';
import { Translator } from './translator.ts';
import { HeldSyns, reset, unreachable } from './unsolicited.ts';

/**
 * A NAPT box (RFC 3022) that behaves as its configuration says. It translates, nothing else: routes, TTL and the MTU are the business of
 * the node that it stands in, which hands over every packet that crosses from one side to the other, and those from inside to an outside address of the box.
 */
export class NatBox implements Machine<NatInput, NatOutput> {
  readonly #name: string;
  readonly #behaviour: NatBehaviour;
  readonly #rows: Rows;
  readonly #translator: Translator;
  readonly #outputs = new Queue<NatOutput>();
  readonly #wakeReason: string;
  #reassembly = new Reassembly();
  #trails = new FragmentTrails();
  #heldSyns = new HeldSyns();

  constructor(config: NatBoxConfig, random: Random) {
    this.#name = config.name;
    this.#behaviour = config.behaviour;
    this.#rows = new Rows(config, random, (event) => this.#say(event));
    this.#translator = new Translator(config, this.#rows);
    this.#wakeReason = `a mapping of ${config.name} expires`;
  }

  handle(now: Instant, input: NatInput): void {
    this.wake(now);
    switch (input.kind) {
      case 'packet':
        this.#receive(now, input.from, input.packet);
        return;
      case 'control':
        this.#control(now, input.control);
        return;
    }
  }

  wake(now: Instant): void {
    this.#rows.expire(now);
    for (const discarded of this.#reassembly.expire(now)) this.#dropPieces(discarded);
    for (const discarded of this.#trails.expire(now)) this.#dropPieces(discarded);
    for (let error = this.#heldSyns.due(now); error !== undefined; error = this.#heldSyns.due(now)) this.#outputs.push({ kind: 'forward', to: 'outside', packet: error });
  }

  poll(): NatOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const mapping = this.#rows.nextExpiry();
    let next: WakeUp | undefined = mapping === undefined ? undefined : { at: mapping, reason: this.#wakeReason };
    const earlier = (at: Instant | undefined, reason: string): void => {
      if (at !== undefined && (next === undefined || at < next.at)) next = { at, reason };
    };
    earlier(this.#reassembly.nextExpiry(), fragmentsWait);
    earlier(this.#trails.nextExpiry(), fragmentsWait);
    earlier(this.#heldSyns.nextAt(), 'a SYN from outside has waited for long enough');
    return next;
  }

  /** The table as people see it, oldest row first. */
  mappings(now: Instant): Mapping[] {
    return this.#rows.list(now);
  }

  // ---- packets ----

  #receive(now: Instant, from: Side, bytes: Uint8Array): void {
    const fault = ipv4Fault(bytes);
    if (fault) {
      this.#drop(fault, bytes);
      return;
    }
    const length = u16At(bytes, ipv4At.totalLength);
    const packet = bytes.length === length ? bytes : bytes.subarray(0, length); // a view costs as much as a look into the table
    if (isIpv4Fragment(packet)) this.#receiveFragment(now, from, packet);
    else this.#translate(now, from, packet);
  }

  /** RFC 4787 §11. */
  #receiveFragment(now: Instant, from: Side, fragment: Uint8Array): void {
    const isFirst = fragmentOffsetOf(fragment) === 0;
    const refusal = this.#behaviour.fragments !== 'reassemble' && isTinyAttack(fragment) ? refused('nat-fragment', 'a fragment that lays itself over the TCP header (RFC 3128)') : undefined;
    switch (this.#behaviour.fragments) {
      case 'drop':
        return this.#drop(refused('nat-fragment', `${this.#name} throws fragments away`), fragment);
      case 'reassemble': {
        const { packet, discarded } = this.#reassembly.add(now, fragment); // what leaves is whole; a link that it does not fit cuts it again
        for (const datagram of discarded) this.#dropPieces(datagram);
        if (packet) this.#translate(now, from, packet);
        return;
      }
      case 'first-only':
        if (refusal) return this.#drop(refusal, fragment);
        if (isFirst) return void this.#translate(now, from, fragment);
        return this.#drop(refused('nat-fragment', `${this.#name} lets only first fragments pass, which have ports`), fragment);
      case 'follow':
        if (refusal) return this.#drop(refusal, fragment);
        if (isFirst) this.#lead(now, from, fragment);
        else this.#follow(this.#trails.later(now, from, fragment), fragment);
        for (const waited of this.#trails.expire(now)) this.#dropPieces(waited);
        return;
    }
  }

  /** The first fragment, and those that have waited for it. */
  #lead(now: Instant, from: Side, fragment: Uint8Array): void {
    const asItCame = fragment.slice(0, ipv4HeaderLengthOf(fragment));
    const to = this.#translate(now, from, fragment);
    const way = typeof to === 'string' ? { to, source: u32At(fragment, ipv4At.source), destination: u32At(fragment, ipv4At.destination) } : to;
    for (const waiting of this.#trails.first(now, from, asItCame, way)) this.#follow(way, waiting);
  }

  #follow(way: Way | Refusal | undefined, fragment: Uint8Array): void {
    if (way === undefined) return; // it waits
    if ('reason' in way) return this.#drop(way, fragment);
    rewriteAddresses(fragment, way);
    this.#outputs.push({ kind: 'forward', to: way.to, packet: fragment });
  }

  /** Translates a packet and sends it on; gives the side, or why it did not go. */
  #translate(now: Instant, from: Side, packet: Uint8Array): Side | Refusal {
    const read = martianFault(packet) ?? readFlow(packet);
    if (!read.ok) {
      this.#drop(read, packet);
      return read;
    }
    if (read.value.protocol === 'icmp-error') return this.#pass(this.#translator.error(from, packet), packet);
    const flow = read.value;
    const translated = from === 'inside' ? this.#translator.outward(now, flow, packet) : (this.#translator.forged(flow) ?? this.#translator.inward(now, flow, packet));
    if (typeof translated !== 'string') {
      this.#answer(now, from, flow, packet, translated);
      return this.#pass(translated, packet, flow);
    }
    if (from === 'inside' && flow.protocol === 'tcp' && flow.phase === 'open') this.#heldSyns.met({ address: u32At(packet, ipv4At.source) | 0, port: u16At(packet, ipv4HeaderLengthOf(packet)) }, flow.destination);
    return this.#pass(translated, flow.protocol === 'udp' && !isIpv4Fragment(packet) ? this.#meddled(flow, packet) : packet, flow);
  }

  /** What the box does to whole UDP packets beside translating them. */
  #meddled(flow: Flow, packet: Uint8Array): Uint8Array {
    if (this.#behaviour.zeroChecksum === 'computed') computeUdpChecksum(packet);
    return this.#behaviour.helpers.length === 0 ? packet : helped(this.#behaviour.helpers, flow, packet);
  }

  #pass(translated: Side | Refusal, packet: Uint8Array, flow?: Flow): Side | Refusal {
    if (typeof translated === 'string') this.#outputs.push({ kind: 'forward', to: translated, packet });
    else this.#drop(translated, packet, flow);
    return translated;
  }

  /** What the sender of a packet that did not pass is told, by a box that tells it. */
  #answer(now: Instant, from: Side, flow: Flow, packet: Uint8Array, { reason }: Refusal): void {
    if (from === 'inside') {
      if (this.#behaviour.refusals === 'icmp' && refusalsToTell.has(reason)) this.#outputs.push({ kind: 'forward', to: 'inside', packet: unreachable(this.#rows.openings.address, packet, unreachableCodes.administrativelyProhibited) });
      return;
    }
    if (flow.protocol !== 'tcp' || flow.phase !== 'open' || !this.#rows.openings.isOutside(flow.destination.address)) return;
    switch (this.#behaviour.tcp.unsolicitedSyn) {
      case 'dropped':
        return;
      case 'reset':
        this.#outputs.push({ kind: 'forward', to: 'outside', packet: reset(flow, packet) });
        return;
      case 'icmp-after-6-s':
        this.#heldSyns.hold(now, flow, packet);
        return;
    }
  }

  // ---- controls ----

  #control(now: Instant, control: NatControl): void {
    switch (control.kind) {
      case 'flush':
        this.#say({ kind: 'nat-control', control: 'flush', story: `${this.#name} is told to forget its table` });
        this.#rows.removeAll(now, 'flushed');
        return;
      case 'reboot':
        this.#say({ kind: 'nat-control', control: 'reboot', story: `${this.#name} reboots and remembers nothing` });
        this.#rows.openings.forget();
        this.#reassembly = new Reassembly();
        this.#trails = new FragmentTrails();
        this.#heldSyns = new HeldSyns();
        this.#rows.removeAll(now, 'reboot');
        return;
      case 'change-address':
        this.#say({ kind: 'nat-control', control: 'change-address', story: `${this.#name} has the outside address ${control.address} from now on; its mappings ${this.#behaviour.whenAddressChanges === 'keep' ? 'stay bound to the old one' : 'go with the old one'}` });
        this.#rows.moveTo(now, control.address);
        return;
      case 'fill':
        this.#say({ kind: 'nat-control', control: 'fill', story: `a host behind ${this.#name} opens flow after flow, until there is room for none` });
        this.#rows.flood(now);
        return;
    }
  }

  // ---- output ----

  #say(event: NatEvent): void {
    this.#outputs.push({ kind: 'event', event });
  }

  #dropPieces({ reason, detail, first }: Discarded): void {
    this.#outputs.push({ kind: 'event', event: { kind: 'drop', reason, detail, ...(first && { bytes: first }) } });
  }

  #drop({ reason, detail }: Refusal, bytes: Uint8Array, flow?: Flow): void {
    this.#outputs.push({ kind: 'event', event: { kind: 'drop', reason, detail, bytes, ...(flow && { peer: endpointOf(flow.source) }) } });
  }
}

const fragmentsWait = 'fragments wait for the rest of their packet no longer';

/** RFC 5508 REQ-8: a flow for which the box has no means, or that it does not allow. */
const refusalsToTell: ReadonlySet<DropReason> = new Set(['nat-no-port', 'nat-host-limit', 'nat-pinned-port-taken', 'nat-esp-taken', 'nat-esp-blocked', 'nat-port-blocked']);
