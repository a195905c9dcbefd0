/** What becomes of a packet that a box has read: where it goes on, and as what. */
import { ipv4FromNumber } from '../core/address.ts';
import { u32At } from '../core/bytes.ts';
import { refused, type Refusal } from '../core/decoded.ts';
import type { Side } from '../core/events.ts';
import type { Instant } from '../core/time.ts';
import { ipv4At } from '../wire/ipv4.ts';
import type { NatBehaviour, NatBoxConfig } from './behaviour.ts';
import type { Flow } from './flow.ts';
import { translateError } from './icmp-errors.ts';
import { discriminatorOf } from './ike-on-the-wire.ts';
import { blockedUdpPortsOf } from './passthrough.ts';
import { pptpPort, translateCallIds } from './pptp.ts';
import { rewrite } from './rewrite.ts';
import { roomInTable } from './room.ts';
import type { Rows } from './rows.ts';
import { named } from './stories.ts';
import { Row } from './table.ts';

/** Rewrites packets where they lie. Each method gives the side on which the packet goes on, or why it does not. */
export class Translator {
  readonly #name: string;
  readonly #behaviour: NatBehaviour;
  readonly #blockedUdpPorts: ReadonlySet<number>;
  readonly #adjustsZero: boolean;
  readonly #rows: Rows;

  constructor({ name, behaviour }: NatBoxConfig, rows: Rows) {
    this.#name = name;
    this.#behaviour = behaviour;
    this.#blockedUdpPorts = new Set(blockedUdpPortsOf(behaviour));
    this.#adjustsZero = behaviour.zeroChecksum === 'adjusted';
    this.#rows = rows;
  }

  /** Translates the source. */
  outward(now: Instant, flow: Flow, packet: Uint8Array): Side | Refusal {
    const hairpin = this.#rows.openings.isOutside(flow.destination.address);
    if (hairpin && !this.#behaviour.hairpinning) {
      return refused('nat-hairpin', `${this.#name} does not turn packets around: ${named(flow.protocol, flow.destination)} is its own outside`);
    }
    const row = this.#blocked(flow, flow.destination.port) ?? this.#fromInside(flow) ?? this.#rows.open(now, this.#rows.openings.fromInside(flow));
    if (!(row instanceof Row)) return row;
    if (!this.#rows.table.admits(row, flow.destination)) {
      const room = roomInTable(this.#rows.table, this.#behaviour, this.#name, row);
      if (!room.ok) return room;
      for (const oldest of room.value) this.#rows.remove(now, oldest, 'evicted');
      this.#rows.table.permit(row, flow.destination);
    }
    this.#rows.touch(now, row, flow, 'inside');
    if (row.crowded) this.#rows.crowd.spoke(row, discriminatorOf(flow, packet));
    if (this.#followsCalls(flow, flow.destination.port)) translateCallIds('inside', packet, (callId, isNew) => this.#callGoingOut(now, row, callId, isNew));
    if (!hairpin || this.#behaviour.hairpinning === 'external-source') rewrite(packet, 'source', flow.protocol, row.outside, this.#adjustsZero);
    // the sender's row stays even where the other end is shut to it: two hosts behind one box open it for each other that way (RFC 4787 §6)
    return hairpin ? this.inward(now, { ...flow, source: row.outside }, packet) : 'outside';
  }

  /** Of a packet from outside: its source stands on this side. (Not said of ICMP errors, which the node that the box stands in sends of its own.) */
  forged({ source: { address } }: Flow): Refusal | undefined {
    if (!this.#rows.openings.isInside(address) && !this.#rows.openings.isOutside(address)) return undefined;
    return refused('ip-martian', `${ipv4FromNumber(address)} is on this side of ${this.#name}, and the packet came from the other`);
  }

  /** Translates the destination. */
  inward(now: Instant, flow: Flow, packet: Uint8Array): Side | Refusal {
    const asksBack = flow.protocol === 'icmp' && flow.phase === 'open'; // its identifier is the sender's, no key of ours
    const found = asksBack ? undefined : (this.#rows.table.fromOutside(flow.protocol, flow.destination, flow.source) ?? this.#ofCrowd(flow, packet));
    if (found !== undefined && !(found instanceof Row)) return found;
    const row = this.#blocked(flow) ?? (found && this.#rows.table.admits(found, flow.source) ? found : this.#rows.open(now, this.#rows.openings.fromOutside(flow)));
    if (!(row instanceof Row)) return row;
    this.#rows.touch(now, row, flow, 'outside');
    if (this.#followsCalls(flow, flow.source.port)) translateCallIds('outside', packet, (callId) => this.#rows.table.fromOutside('gre', { ...row.outside, port: callId }, { ...row.remote, port: 0 })?.inside.port);
    rewrite(packet, 'destination', flow.protocol, row.inside, this.#adjustsZero);
    return 'inside';
  }

  /** Where several clients share the endpoint that the packet came to: whose it is. */
  #ofCrowd(flow: Flow, packet: Uint8Array): Row | Refusal | undefined {
    const rows = this.#rows.crowd.at(flow.protocol, flow.destination, flow.source);
    return rows.length === 0 ? undefined : this.#rows.crowd.addressee(this.#name, rows, discriminatorOf(flow, packet));
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
  error(from: Side, packet: Uint8Array): Side | Refusal {
    const { icmpErrors, hairpinning } = this.#behaviour;
    const sent = ({ protocol, source, destination }: Flow, quoted: Uint8Array): Row | undefined =>
      this.#rows.table.fromOutside(protocol, source, destination) ?? this.#rows.crowd.sender(this.#rows.crowd.at(protocol, source, destination), discriminatorOf({ protocol, source, destination }, quoted));
    const translation = { box: this.#name, table: this.#rows.table, sent, icmpErrors };
    const to = translateError(from, packet, translation);
    if (to !== 'outside' || !this.#rows.openings.isOutside(u32At(packet, ipv4At.destination) | 0)) return to;
    return hairpinning === false ? refused('nat-hairpin', `${this.#name} does not turn packets around, nor errors about them`) : translateError('outside', packet, translation);
  }

  #fromInside({ protocol, source, destination }: Flow): Row | undefined {
    if (protocol !== 'gre') return this.#rows.table.fromInside(protocol, source, destination);
    for (const row of this.#rows.table.ofHost(source.address)) if (row.protocol === 'gre' && row.remote.address === destination.address) return row;
    return undefined;
  }

  #followsCalls({ protocol }: Flow, remotePort: number): boolean {
    return protocol === 'tcp' && remotePort === pptpPort && this.#behaviour.pptp === 'by-call-id';
  }

  /** What the call ID of a host that speaks over this control connection is to the server. */
  #callGoingOut(now: Instant, { inside, outside, remote }: Row, callId: number, isNew: boolean): number | undefined {
    const client = { address: inside.address, port: callId };
    const known = this.#rows.table.fromInside('gre', client, { ...remote, port: 0 });
    if (known !== undefined || !isNew) return known?.outside.port;
    const row = this.#rows.open(now, this.#rows.openings.forCall(client, outside.address, remote.address));
    return row instanceof Row ? row.outside.port : undefined;
  }
}
