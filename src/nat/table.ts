/** The box's table: rows, and the keys that find them from either side. */
import { ipv4ToNumber, type IpAddress } from '../core/address.ts';
import type { MappedProtocol, Side } from '../core/events.ts';
import type { Instant } from '../core/time.ts';
import type { Dependence } from './behaviour.ts';
import type { Ticket } from './expiry.ts';
import { PairMap } from './pair-map.ts';

/**
 * An IPv4 address as a number and a port; for ICMP the query identifier, for GRE the call ID, for ESP and AH 0. What the packets' path works with instead of texts. The number is
 * signed, because the engine keeps 32 signed bits in place and puts anything larger into a box of its own.
 */
export interface NumericEndpoint {
  readonly address: number;
  readonly port: number;
}

export const numericAddress = (address: IpAddress): number => ipv4ToNumber(address) | 0;

const unsigned = (address: number): number => address >>> 0;

/**
 * RFC 4787 §4.1, §5: what a mapping, or a filter, sees of the remote endpoint. Two remotes of which it sees the same are one to it.
 * 48 bits at the most, so a number holds it exactly.
 */
export const seen: Record<Dependence, (remote: NumericEndpoint) => number> = {
  'endpoint-independent': () => 0,
  'address-dependent': ({ address }) => unsigned(address),
  'address-and-port-dependent': ({ address, port }) => unsigned(address) * 0x1_0000 + port,
};

const whole = seen['address-and-port-dependent'];

const protocolNumber: Record<MappedProtocol, number> = { udp: 0, tcp: 1, icmp: 2, esp: 3, ah: 4, gre: 5 };

/** 51 bits: which protocol, whose address, which port. */
const key = (protocol: MappedProtocol, { address, port }: NumericEndpoint): number => (protocolNumber[protocol] * 0x1_0000_0000 + unsigned(address)) * 0x1_0000 + port;

/** What a row is made of. */
export interface RowFields {
  readonly protocol: MappedProtocol;
  readonly inside: NumericEndpoint;
  readonly outside: NumericEndpoint;
  /** The remote that it was made for; the first one, where it is shared. */
  readonly remote: NumericEndpoint;
  /**
   * It serves every remote of which the mapping sees the same. One that is not shared serves the one remote endpoint it was made for: the rows
   * of boxes that overload ports, of pinned ports, of ESP, of forwarded ports.
   */
  readonly shared: boolean;
  /** Others may stand at its outside endpoint for the same remote: what comes in is told apart by `Crowd`, and this table does not find it from outside. */
  readonly crowded: boolean;
  /** Which side opened it; from outside that takes a forwarded port. */
  readonly origin: Side;
}

/** A row of the table. */
export class Row implements RowFields {
  readonly protocol: MappedProtocol;
  readonly inside: NumericEndpoint;
  readonly outside: NumericEndpoint;
  readonly remote: NumericEndpoint;
  readonly shared: boolean;
  readonly crowded: boolean;
  readonly origin: Side;
  readonly createdAt: Instant;
  /** Both sides have spoken. */
  replied = false;
  /** TCP: who has said that it is done. */
  finFromInside = false;
  finFromOutside = false;
  /** What the filter saw of further remotes of a shared row; they may answer too. */
  permitted: Set<number> | undefined = undefined;
  /** Its place among those that must die. */
  ticket: Ticket = 0;
  /** The next older and younger row for the same inside endpoint and for what the mapping sees of the remote (boxes that overload ports). */
  elderSibling: Row | undefined = undefined;
  youngerSibling: Row | undefined = undefined;

  constructor(now: Instant, { protocol, inside, outside, remote, shared, crowded, origin }: RowFields) {
    this.protocol = protocol;
    this.inside = inside;
    this.outside = outside;
    this.remote = remote;
    this.shared = shared;
    this.crowded = crowded;
    this.origin = origin;
    this.createdAt = now;
  }
}

export const sameInside = (row: Row, inside: NumericEndpoint): boolean => row.inside.address === inside.address && row.inside.port === inside.port;

/** Finds rows from inside and from outside. It keeps no time; `size` counts rows and permitted remotes. */
export class MappingTable {
  readonly #mapping: (remote: NumericEndpoint) => number;
  readonly #filter: (remote: NumericEndpoint) => number;
  /** Rows for one remote, by the inside or the outside endpoint and that remote. */
  readonly #flowsByInside = new PairMap<Row>();
  readonly #flowsByOutside = new PairMap<Row>();
  /** Shared rows, by the inside endpoint and what the mapping sees; by the outside endpoint, which belongs to one alone. */
  readonly #sharedByInside = new PairMap<Row>();
  readonly #sharedByOutside = new PairMap<Row>();
  /** The youngest row from inside, by the inside endpoint and what the mapping sees. */
  readonly #youngest = new PairMap<Row>();
  readonly #atOutside = new Map<number, Set<Row>>();
  readonly #ofHost = new Map<number, Set<Row>>();
  readonly #rows = new Set<Row>();
  #permissions = 0;

  constructor(mapping: Dependence, filtering: Dependence) {
    this.#mapping = seen[mapping];
    this.#filter = seen[filtering];
  }

  get size(): number {
    return this.#rows.size + this.#permissions;
  }

  has(row: Row): boolean {
    return this.#rows.has(row);
  }

  /** All rows, oldest first. */
  rows(): Iterable<Row> {
    return this.#rows;
  }

  fromInside(protocol: MappedProtocol, inside: NumericEndpoint, remote: NumericEndpoint): Row | undefined {
    const from = key(protocol, inside);
    return this.#flowsByInside.get(from, whole(remote)) ?? this.#sharedByInside.get(from, this.#mapping(remote));
  }

  /** The row that a packet to `outside` belongs to, whether or not its filter lets the remote in: see `admits`. */
  fromOutside(protocol: MappedProtocol, outside: NumericEndpoint, remote: NumericEndpoint): Row | undefined {
    const at = key(protocol, outside);
    return this.#flowsByOutside.get(at, whole(remote)) ?? this.#sharedByOutside.get(at, 0);
  }

  /** RFC 4787 §5: whether what comes from the remote may go in through the row that was found for it. */
  admits(row: Row, remote: NumericEndpoint): boolean {
    if (!row.shared) return true; // its remote is part of the key that found it
    const filtered = this.#filter(remote);
    return filtered === this.#filter(row.remote) || row.permitted?.has(filtered) === true;
  }

  /** The inside host has spoken to the remote, which may answer from now on. */
  permit(row: Row, remote: NumericEndpoint): void {
    row.permitted ??= new Set();
    const before = row.permitted.size;
    row.permitted.add(this.#filter(remote));
    this.#permissions += row.permitted.size - before;
  }

  /** All rows at an outside endpoint. */
  at(protocol: MappedProtocol, outside: NumericEndpoint): Iterable<Row> {
    return this.#atOutside.get(key(protocol, outside)) ?? [];
  }

  /** All rows of an inside host, oldest first. */
  ofHost(address: number): ReadonlySet<Row> {
    return this.#ofHost.get(address) ?? noRows;
  }

  /** Whether a row for this very remote stands at the outside endpoint. */
  hasFlow(protocol: MappedProtocol, outside: NumericEndpoint, remote: NumericEndpoint): boolean {
    return this.#flowsByOutside.get(key(protocol, outside), whole(remote)) !== undefined;
  }

  /** The youngest row that traffic from `inside` opened to a remote that the mapping cannot tell from this one. */
  youngest(protocol: MappedProtocol, inside: NumericEndpoint, remote: NumericEndpoint): Row | undefined {
    return this.#youngest.get(key(protocol, inside), this.#mapping(remote));
  }

  add(row: Row): void {
    const from = key(row.protocol, row.inside);
    const at = key(row.protocol, row.outside);
    this.#rows.add(row);
    join(this.#atOutside, at, row);
    join(this.#ofHost, row.inside.address, row);
    if (row.shared) {
      this.#sharedByInside.set(from, this.#mapping(row.remote), row);
      this.#sharedByOutside.set(at, 0, row);
    } else {
      this.#flowsByInside.set(from, whole(row.remote), row);
      if (!row.crowded) this.#flowsByOutside.set(at, whole(row.remote), row);
      if (row.origin === 'inside') this.#joinSiblings(row, from);
    }
  }

  remove(row: Row): void {
    const from = key(row.protocol, row.inside);
    const at = key(row.protocol, row.outside);
    this.#rows.delete(row);
    this.#permissions -= row.permitted?.size ?? 0;
    leave(this.#atOutside, at, row);
    leave(this.#ofHost, row.inside.address, row);
    if (row.shared) {
      this.#sharedByInside.delete(from, this.#mapping(row.remote));
      this.#sharedByOutside.delete(at, 0);
    } else {
      this.#flowsByInside.delete(from, whole(row.remote));
      if (!row.crowded) this.#flowsByOutside.delete(at, whole(row.remote));
      if (row.origin === 'inside') this.#leaveSiblings(row, from);
    }
  }

  #joinSiblings(row: Row, from: number): void {
    const sees = this.#mapping(row.remote);
    const elder = this.#youngest.get(from, sees);
    row.elderSibling = elder;
    if (elder) elder.youngerSibling = row;
    this.#youngest.set(from, sees, row);
  }

  #leaveSiblings(row: Row, from: number): void {
    const { elderSibling: elder, youngerSibling: younger } = row;
    if (elder) elder.youngerSibling = younger;
    if (younger) younger.elderSibling = elder;
    else if (elder) this.#youngest.set(from, this.#mapping(row.remote), elder);
    else this.#youngest.delete(from, this.#mapping(row.remote));
  }
}

const noRows: ReadonlySet<Row> = new Set();

function join(sets: Map<number, Set<Row>>, at: number, row: Row): void {
  const set = sets.get(at);
  if (set) set.add(row);
  else sets.set(at, new Set([row]));
}

function leave(sets: Map<number, Set<Row>>, at: number, row: Row): void {
  const set = sets.get(at);
  set?.delete(row);
  if (set?.size === 0) sets.delete(at);
}
