/** The life of a box's rows. They change in three ways only: `open`, `touch`, `remove`; what outlives its time goes with `expire`. */
import type { IpAddress } from '../core/address.ts';
import type { Decoded, Refusal } from '../core/decoded.ts';
import type { Mapping, NatEvent, Side } from '../core/events.ts';
import type { Random } from '../core/random.ts';
import { after, milliseconds, type Instant } from '../core/time.ts';
import type { NatBehaviour, NatBoxConfig } from './behaviour.ts';
import { Crowd } from './crowd.ts';
import { Expiry } from './expiry.ts';
import { floodFrom } from './flood.ts';
import type { Flow } from './flow.ts';
import { Openings, type Opening } from './opening.ts';
import { created, expired, mappingOf, removed, type Removal } from './stories.ts';
import { MappingTable, Row } from './table.ts';
import { lifetimeOf } from './timeouts.ts';

export class Rows {
  readonly table: MappingTable;
  readonly openings: Openings;
  readonly crowd: Crowd;
  readonly #name: string;
  readonly #behaviour: NatBehaviour;
  readonly #config: NatBoxConfig;
  readonly #expiry = new Expiry<Row>();
  readonly #say: (event: NatEvent) => void;

  constructor(config: NatBoxConfig, random: Random, say: (event: NatEvent) => void) {
    this.#config = config;
    this.#name = config.name;
    this.#behaviour = config.behaviour;
    this.#say = say;
    this.table = new MappingTable(config.behaviour.mapping, config.behaviour.filtering);
    this.crowd = new Crowd(this.table, config.behaviour.pinned.unknownCookie);
    this.openings = new Openings(config, this.table, random);
  }

  /** When the next one dies. */
  nextExpiry(): Instant | undefined {
    return this.#expiry.nextAt();
  }

  expire(now: Instant): void {
    for (let row = this.#expiry.due(now); row !== undefined; row = this.#expiry.due(now)) {
      this.#say({ kind: 'mapping-expired', mapping: this.#mappingOf(row, now), story: expired(this.#name, row, this.#expiry.lifetime(row.ticket)) });
      this.#close(row);
    }
  }

  /** As people see them, the oldest first. */
  list(now: Instant): Mapping[] {
    return Array.from(this.table.rows(), (row) => this.#mappingOf(row, now)).filter(({ expiresIn }) => expiresIn > 0);
  }

  /** Makes the row, or passes on why there is none. What must go for it goes first. */
  open(now: Instant, opening: Decoded<Opening>): Row | Refusal {
    if (!opening.ok) return opening;
    for (const oldest of opening.value.evicts) this.remove(now, oldest, 'evicted');
    for (const holder of opening.value.steals) if (this.table.has(holder)) this.remove(now, holder, 'stolen');
    const row = new Row(now, opening.value.row);
    this.table.add(row);
    this.openings.opened(row);
    const lifetime = lifetimeOf(row, row.remote.port, now, this.#behaviour.timeouts);
    row.ticket = this.#expiry.add(row, now, lifetime);
    this.#say({ kind: 'mapping-created', mapping: this.#mappingOf(row, now), story: created(this.#name, row, lifetime) });
    return row;
  }

  /** A packet of the row passed. */
  touch(now: Instant, row: Row, { phase, source, destination }: Flow, from: Side): void {
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
    this.table.remove(row);
    this.#expiry.remove(row.ticket);
    this.crowd.left(row);
    this.openings.closed(row);
  }

  remove(now: Instant, row: Row, why: Removal): void {
    this.#say({ kind: 'mapping-removed', mapping: this.#mappingOf(row, now), why, story: removed(this.#name, row, why) });
    this.#close(row);
  }

  removeAll(now: Instant, why: Removal): void {
    for (const row of this.table.rows()) this.remove(now, row, why);
  }

  /** The box's first outside address is another one. What stands at the old one goes with it, or stays there, dead, where the box does not look. */
  moveTo(now: Instant, address: IpAddress): void {
    const old = this.openings.moveTo(address);
    if (this.#behaviour.whenAddressChanges === 'keep') return;
    for (const row of this.table.rows()) if (row.outside.address === old) this.remove(now, row, 'address-changed');
  }

  /** Other inside hosts open mappings until there is room for none, or, where the oldest make room, until all are theirs. */
  flood(now: Instant): void {
    floodFrom(this.#config, (flow) => this.open(now, this.openings.fromInside(flow)) instanceof Row);
  }

  #mappingOf(row: Row, now: Instant): Mapping {
    return mappingOf(row, milliseconds(Math.max(0, this.#expiry.at(row.ticket) - now)));
  }
}
