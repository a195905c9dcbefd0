import { ipv4FromNumber, type IpAddress } from '../core/address.ts';
import { u16At, u32At } from '../core/bytes.ts';
import { refused, type Decoded, type Refusal } from '../core/decoded.ts';
import type { DropReason } from '../core/drop.ts';
import type { Mapping, NatEvent, Side } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import { after, milliseconds, type Instant } from '../core/time.ts';
import { isIpv4Fragment, Reassembly, type Discarded } from '../wire/fragmentation.ts';
import { unreachableCodes } from '../wire/icmp.ts';
import { ipv4At, ipv4Fault, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import type { NatBehaviour, NatBoxConfig, NatControl, NatInput, NatOutput } from './behaviour.ts';
import { Crowd } from './crowd.ts';
import { Expiry } from './expiry.ts';
import { readFlow, type Flow } from './flow.ts';
import { fragmentOffsetOf, FragmentTrails, isTinyAttack, type Way } from './fragments.ts';
import { translateError } from './icmp-errors.ts';
import { discriminatorOf } from './ike-on-the-wire.ts';
import { helped } from './ipsec-helper.ts';
import { martianFault } from './martians.ts';
import { Openings, type Opening } from './opening.ts';
import { blockedUdpPortsOf } from './passthrough.ts';
import { pptpPort, translateCallIds } from './pptp.ts';
import { computeUdpChecksum, rewrite, rewriteAddresses } from './rewrite.ts';
import { roomInTable } from './room.ts';
import { created, endpointOf, expired, mappingOf, named, removed, type Removal } from './stories.ts';
import { MappingTable, Row } from './table.ts';
import { lifetimeOf } from './timeouts.ts';
import { HeldSyns, reset, unreachable } from './unsolicited.ts';

/**
 * A NAPT box (RFC 3022) that behaves as its configuration says. It translates, nothing else: routes, TTL and the MTU are the business of
 * the node that it stands in, which hands over every packet that crosses from one side to the other, and those from inside to an outside address of the box.
 *
 * Rows of the table change in three ways only: `#open`, `#touch`, `#close`.
 */
export class NatBox implements Machine<NatInput, NatOutput> {
  readonly #name: string;
  readonly #behaviour: NatBehaviour;
  readonly #blockedUdpPorts: ReadonlySet<number>;
  readonly #table: MappingTable;
  readonly #crowd: Crowd;
  readonly #openings: Openings;
  readonly #expiry = new Expiry<Row>();
  readonly #outputs = new Queue<NatOutput>();
  #reassembly = new Reassembly();
  #trails = new FragmentTrails();
  #heldSyns = new HeldSyns();
  readonly #adjustsZero: boolean;
  readonly #wakeReason: string;

  constructor(config: NatBoxConfig, random: Random) {
    this.#name = config.name;
    this.#behaviour = config.behaviour;
    this.#blockedUdpPorts = new Set(blockedUdpPortsOf(config.behaviour));
    this.#adjustsZero = config.behaviour.zeroChecksum === 'adjusted';
    this.#table = new MappingTable(config.behaviour.mapping, config.behaviour.filtering);
    this.#crowd = new Crowd(this.#table, config.behaviour.pinned.unknownCookie);
    this.#openings = new Openings(config, this.#table, random);
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
    for (let row = this.#expiry.due(now); row !== undefined; row = this.#expiry.due(now)) {
      this.#say({ kind: 'mapping-expired', mapping: this.#mappingOf(row, now), story: expired(this.#name, row, this.#expiry.lifetime(row.ticket)) });
      this.#close(row);
    }
    for (const discarded of [...this.#reassembly.expire(now), ...this.#trails.expire(now)]) this.#dropPieces(discarded);
    for (let error = this.#heldSyns.due(now); error !== undefined; error = this.#heldSyns.due(now)) this.#outputs.push({ kind: 'forward', to: 'outside', packet: error });
  }

  poll(): NatOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const mapping = this.#expiry.nextAt();
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
    return Array.from(this.#table.rows(), (row) => this.#mappingOf(row, now)).filter(({ expiresIn }) => expiresIn > 0);
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
    if (read.value.protocol === 'icmp-error') return this.#pass(this.#translateError(from, packet), packet);
    const translated = from === 'inside' ? this.#translateOutward(now, read.value, packet) : (this.#forged(read.value) ?? this.#translateInward(now, read.value, packet));
    if (typeof translated !== 'string') this.#answer(now, from, read.value, packet, translated);
    else if (read.value.protocol === 'udp' && !isIpv4Fragment(packet)) {
      if (this.#behaviour.zeroChecksum === 'computed') computeUdpChecksum(packet);
      if (this.#behaviour.helpers.length > 0) return this.#pass(translated, helped(this.#behaviour.helpers, read.value, packet), read.value);
    }
    return this.#pass(translated, packet, read.value);
  }

  #pass(translated: Side | Refusal, packet: Uint8Array, flow?: Flow): Side | Refusal {
    if (typeof translated === 'string') this.#outputs.push({ kind: 'forward', to: translated, packet });
    else this.#drop(translated, packet, flow);
    return translated;
  }

  /** Of a packet from outside: its source stands on this side. (Not said of ICMP errors, which the node that the box stands in sends of its own.) */
  #forged({ source: { address } }: Flow): Refusal | undefined {
    if (!this.#openings.isInside(address) && !this.#openings.isOutside(address)) return undefined;
    return refused('ip-martian', `${ipv4FromNumber(address)} is on this side of ${this.#name}, and the packet came from the other`);
  }

  /** What the sender of a packet that did not pass is told, by a box that tells it. */
  #answer(now: Instant, from: Side, flow: Flow, packet: Uint8Array, { reason }: Refusal): void {
    if (from === 'inside') {
      if (this.#behaviour.refusals === 'icmp' && refusalsToTell.has(reason)) this.#outputs.push({ kind: 'forward', to: 'inside', packet: unreachable(this.#openings.address, packet, unreachableCodes.administrativelyProhibited) });
      return;
    }
    if (flow.protocol !== 'tcp' || flow.phase !== 'open' || !this.#openings.isOutside(flow.destination.address)) return;
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

  /** Translates the source; gives the side on which the packet goes on. */
  #translateOutward(now: Instant, flow: Flow, packet: Uint8Array): Side | Refusal {
    const hairpin = this.#openings.isOutside(flow.destination.address);
    if (hairpin && !this.#behaviour.hairpinning) {
      return refused('nat-hairpin', `${this.#name} does not turn packets around: ${named(flow.protocol, flow.destination)} is its own outside`);
    }
    const row = this.#blocked(flow, flow.destination.port) ?? this.#fromInside(flow) ?? this.#open(now, this.#openings.fromInside(flow));
    if (!(row instanceof Row)) return row;
    if (!this.#table.admits(row, flow.destination)) {
      const room = roomInTable(this.#table, this.#behaviour, this.#name, row);
      if (!room.ok) return room;
      for (const oldest of room.value) this.#remove(now, oldest, 'evicted');
      this.#table.permit(row, flow.destination);
    }
    this.#touch(now, row, flow, 'inside');
    if (row.crowded) this.#crowd.spoke(row, discriminatorOf(flow, packet));
    if (this.#followsCalls(flow, flow.destination.port)) translateCallIds('inside', packet, (callId, isNew) => this.#callGoingOut(now, row, callId, isNew));
    if (!hairpin || this.#behaviour.hairpinning === 'external-source') rewrite(packet, 'source', flow.protocol, row.outside, this.#adjustsZero);
    if (flow.protocol === 'tcp' && flow.phase === 'open') this.#heldSyns.met(row.outside, flow.destination);
    // the sender's row stays even where the other end is shut to it: two hosts behind one box open it for each other that way (RFC 4787 §6)
    return hairpin ? this.#translateInward(now, { ...flow, source: row.outside }, packet) : 'outside';
  }

  /** Translates the destination. */
  #translateInward(now: Instant, flow: Flow, packet: Uint8Array): Side | Refusal {
    const asksBack = flow.protocol === 'icmp' && flow.phase === 'open'; // its identifier is the sender's, no key of ours
    const found = asksBack ? undefined : (this.#table.fromOutside(flow.protocol, flow.destination, flow.source) ?? this.#ofCrowd(flow, packet));
    if (found !== undefined && !(found instanceof Row)) return found;
    const row = this.#blocked(flow) ?? (found && this.#table.admits(found, flow.source) ? found : this.#open(now, this.#openings.fromOutside(flow)));
    if (!(row instanceof Row)) return row;
    this.#touch(now, row, flow, 'outside');
    if (this.#followsCalls(flow, flow.source.port)) translateCallIds('outside', packet, (callId) => this.#table.fromOutside('gre', { ...row.outside, port: callId }, { ...row.remote, port: 0 })?.inside.port);
    rewrite(packet, 'destination', flow.protocol, row.inside, this.#adjustsZero);
    return 'inside';
  }

  /** Where several clients share the endpoint that the packet came to: whose it is. */
  #ofCrowd(flow: Flow, packet: Uint8Array): Row | Refusal | undefined {
    const rows = this.#crowd.at(flow.protocol, flow.destination, flow.source);
    return rows.length === 0 ? undefined : this.#crowd.addressee(this.#name, rows, discriminatorOf(flow, packet));
  }

  /** What the box lets pass for nobody. */
  #blocked({ protocol }: Flow, outwardPort?: number): Refusal | undefined {
    if (protocol === 'esp' && this.#behaviour.esp === 'blocked') return refused('nat-esp-blocked', `${this.#name} does not let ESP through`);
    if ((protocol === 'ah' && this.#behaviour.ah === 'blocked') || (protocol === 'gre' && this.#behaviour.pptp !== 'by-call-id')) return refused('nat-protocol', `${this.#name} does not let ${protocol.toUpperCase()} through`);
    if (protocol === 'tcp' && outwardPort === pptpPort && this.#behaviour.pptp === 'blocked') return refused('nat-port-blocked', `${this.#name} has PPTP passthrough switched off`);
    if (protocol === 'udp' && outwardPort !== undefined && this.#blockedUdpPorts.has(outwardPort)) {
      return refused('nat-port-blocked', `${this.#name} lets nothing out to UDP port ${outwardPort}`);
    }
    return undefined;
  }

  /** RFC 5508 REQ-7: one about a packet that was turned around is turned around, too. */
  #translateError(from: Side, packet: Uint8Array): Side | Refusal {
    const { icmpErrors, hairpinning } = this.#behaviour;
    const sent = ({ protocol, source, destination }: Flow, quoted: Uint8Array): Row | undefined =>
      this.#table.fromOutside(protocol, source, destination) ?? this.#crowd.sender(this.#crowd.at(protocol, source, destination), discriminatorOf({ protocol, source, destination }, quoted));
    const translation = { box: this.#name, table: this.#table, sent, icmpErrors };
    const to = translateError(from, packet, translation);
    if (to !== 'outside' || !this.#openings.isOutside(u32At(packet, ipv4At.destination) | 0)) return to;
    return hairpinning === false ? refused('nat-hairpin', `${this.#name} does not turn packets around, nor errors about them`) : translateError('outside', packet, translation);
  }

  #fromInside({ protocol, source, destination }: Flow): Row | undefined {
    if (protocol !== 'gre') return this.#table.fromInside(protocol, source, destination);
    for (const row of this.#table.ofHost(source.address)) if (row.protocol === 'gre' && row.remote.address === destination.address) return row;
    return undefined;
  }

  // ---- PPTP calls ----

  #followsCalls({ protocol }: Flow, remotePort: number): boolean {
    return protocol === 'tcp' && remotePort === pptpPort && this.#behaviour.pptp === 'by-call-id';
  }

  /** What the call ID of a host that speaks over this control connection is to the server. */
  #callGoingOut(now: Instant, { inside, outside, remote }: Row, callId: number, isNew: boolean): number | undefined {
    const client = { address: inside.address, port: callId };
    const known = this.#table.fromInside('gre', client, { ...remote, port: 0 });
    if (known !== undefined || !isNew) return known?.outside.port;
    const row = this.#open(now, this.#openings.forCall(client, outside.address, remote.address));
    return row instanceof Row ? row.outside.port : undefined;
  }

  // ---- the life of a row ----

  #open(now: Instant, opening: Decoded<Opening>): Row | Refusal {
    if (!opening.ok) return opening;
    for (const oldest of opening.value.evicts) this.#remove(now, oldest, 'evicted');
    for (const holder of opening.value.steals) if (this.#table.has(holder)) this.#remove(now, holder, 'stolen');
    const row = new Row(now, opening.value.row);
    this.#table.add(row);
    this.#openings.opened(row);
    const lifetime = lifetimeOf(row, row.remote.port, now, this.#behaviour.timeouts);
    row.ticket = this.#expiry.add(row, now, lifetime);
    this.#say({ kind: 'mapping-created', mapping: this.#mappingOf(row, now), story: created(this.#name, row, lifetime) });
    return row;
  }

  /** A packet of the row passed. */
  #touch(now: Instant, row: Row, { phase, source, destination }: Flow, from: Side): void {
    if (phase === 'open') row.finFromInside = row.finFromOutside = false;
    if (phase === 'reset' || (phase === 'fin' && from === 'inside')) row.finFromInside = true;
    if (phase === 'reset' || (phase === 'fin' && from === 'outside')) row.finFromOutside = true;
    if (this.#behaviour.refresh === 'both' || this.#behaviour.refresh === (from === 'inside' ? 'outbound' : 'inbound')) {
      this.#refresh(now, row, from === 'inside' ? destination.port : source.port);
    }
    if (from !== row.origin) row.replied = true; // after the refresh: the first answer itself counts as unreplied, as in Linux
  }

  #refresh(now: Instant, row: Row, remotePort: number): void {
    const lifetime = lifetimeOf(row, remotePort, now, this.#behaviour.timeouts);
    if (row.shared && row.protocol === 'udp' && after(now, lifetime) < this.#expiry.at(row.ticket)) return; // another remote's longer timer holds
    this.#expiry.refresh(row.ticket, now, lifetime);
  }

  #close(row: Row): void {
    this.#table.remove(row);
    this.#expiry.remove(row.ticket);
    this.#crowd.left(row);
    this.#openings.closed(row);
  }

  #remove(now: Instant, row: Row, why: Removal): void {
    this.#say({ kind: 'mapping-removed', mapping: this.#mappingOf(row, now), why, story: removed(this.#name, row, why) });
    this.#close(row);
  }

  // ---- controls ----

  #control(now: Instant, control: NatControl): void {
    switch (control.kind) {
      case 'flush':
        this.#say({ kind: 'nat-control', control: 'flush', story: `${this.#name} is told to forget its table` });
        this.#removeAll(now, 'flushed');
        return;
      case 'reboot':
        this.#say({ kind: 'nat-control', control: 'reboot', story: `${this.#name} reboots and remembers nothing` });
        this.#openings.forget();
        this.#reassembly = new Reassembly();
        this.#trails = new FragmentTrails();
        this.#heldSyns = new HeldSyns();
        this.#removeAll(now, 'reboot');
        return;
      case 'change-address':
        this.#say({ kind: 'nat-control', control: 'change-address', story: `${this.#name} has the outside address ${control.address} from now on; its mappings go with the old one` });
        this.#moveTo(now, control.address);
        return;
    }
  }

  #moveTo(now: Instant, address: IpAddress): void {
    const old = this.#openings.moveTo(address);
    for (const row of this.#table.rows()) if (row.outside.address === old) this.#remove(now, row, 'address-changed');
  }

  #removeAll(now: Instant, why: Removal): void {
    for (const row of this.#table.rows()) this.#remove(now, row, why);
  }

  // ---- output ----

  #mappingOf(row: Row, now: Instant): Mapping {
    return mappingOf(row, milliseconds(Math.max(0, this.#expiry.at(row.ticket) - now)));
  }

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
