/** The box's table: rows, and the keys that find them from either side. */
import type { MappedProtocol, Side } from '../core/events.ts';
import type { Duration, Instant } from '../core/time.ts';
import type { Dependence } from './behaviour.ts';
import type { Aging } from './expiry.ts';

/** An IPv4 address as a number and a port; for ICMP the query identifier, for ESP 0. What the packets' path works with instead of texts. */
export interface NumericEndpoint {
  readonly address: number;
  readonly port: number;
}

/**
 * RFC 4787 §4.1, §5: what a mapping, or a filter, sees of the remote endpoint. Two remotes of which it sees the same are one to it.
 * 48 bits at the most, so a number holds it exactly.
 */
export const seen: Record<Dependence, (remote: NumericEndpoint) => number> = {
  'endpoint-independent': () => 0,
  'address-dependent': ({ address }) => address,
  'address-and-port-dependent': ({ address, port }) => address * 0x1_0000 + port,
};

const whole = seen['address-and-port-dependent'];

const protocolNumber: Record<MappedProtocol, number> = { udp: 0, tcp: 1, icmp: 2, esp: 3 };

/** 50 bits: which protocol, whose address, which port. */
const key = (protocol: MappedProtocol, { address, port }: NumericEndpoint): number => (protocolNumber[protocol] * 0x1_0000_0000 + address) * 0x1_0000 + port;

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
  /** Which side opened it; from outside that takes a forwarded port. */
  readonly origin: Side;
}

/** A row of the table. */
export class Row implements RowFields, Aging<Row> {
  readonly protocol: MappedProtocol;
  readonly inside: NumericEndpoint;
  readonly outside: NumericEndpoint;
  readonly remote: NumericEndpoint;
  readonly shared: boolean;
  readonly origin: Side;
  readonly createdAt: Instant;
  /** Both sides have spoken. */
  replied = false;
  /** TCP: who has said that it is done. */
  finFromInside = false;
  finFromOutside = false;
  /** What the filter saw of further remotes of a shared row; they may answer too. */
  permitted: Set<number> | undefined = undefined;

  expiresAt: Instant;
  lifetime = 0 as Duration;
  older: Row | undefined = undefined;
  newer: Row | undefined = undefined;
  /** The next older and younger row for the same inside endpoint and for what the mapping sees of the remote (boxes that overload ports). */
  elderSibling: Row | undefined = undefined;
  youngerSibling: Row | undefined = undefined;

  constructor(now: Instant, { protocol, inside, outside, remote, shared, origin }: RowFields) {
    this.protocol = protocol;
    this.inside = inside;
    this.outside = outside;
    this.remote = remote;
    this.shared = shared;
    this.origin = origin;
    this.createdAt = now;
    this.expiresAt = now;
  }
}

export const sameInside = (row: Row, inside: NumericEndpoint): boolean => row.inside.address === inside.address && row.inside.port === inside.port;

/**
 * Finds rows from inside and from outside. It keeps no order and no time; `size` counts rows and permitted remotes.
 */
export class MappingTable {
  readonly #mapping: (remote: NumericEndpoint) => number;
  readonly #filter: (remote: NumericEndpoint) => number;
  /** Rows for one remote, by inside endpoint and by outside endpoint; then by the remote. */
  readonly #flowsByInside = new Map<number, Map<number, Row>>();
  readonly #flowsByOutside = new Map<number, Map<number, Row>>();
  /** Shared rows, by inside endpoint and what the mapping sees; by outside endpoint, which belongs to one alone. */
  readonly #sharedByInside = new Map<number, Map<number, Row>>();
  readonly #sharedByOutside = new Map<number, Row>();
  /** The youngest row from inside, by inside endpoint and what the mapping sees. */
  readonly #youngest = new Map<number, Map<number, Row>>();
  readonly #rows = new Set<Row>();
  #permissions = 0;

  constructor(mapping: Dependence, filtering: Dependence) {
    this.#mapping = seen[mapping];
    this.#filter = seen[filtering];
  }

  get size(): number {
    return this.#rows.size + this.#permissions;
  }

  /** All rows, oldest first. */
  rows(): Iterable<Row> {
    return this.#rows;
  }

  fromInside(protocol: MappedProtocol, inside: NumericEndpoint, remote: NumericEndpoint): Row | undefined {
    const from = key(protocol, inside);
    return this.#flowsByInside.get(from)?.get(whole(remote)) ?? this.#sharedByInside.get(from)?.get(this.#mapping(remote));
  }

  /** The row that a packet to `outside` belongs to, whether or not its filter lets the remote in: see `admits`. */
  fromOutside(protocol: MappedProtocol, outside: NumericEndpoint, remote: NumericEndpoint): Row | undefined {
    const at = key(protocol, outside);
    return this.#flowsByOutside.get(at)?.get(whole(remote)) ?? this.#sharedByOutside.get(at);
  }

  /** RFC 4787 §5: whether what comes from the remote may go in through the row. */
  admits(row: Row, remote: NumericEndpoint): boolean {
    if (!row.shared) return row.remote.address === remote.address && row.remote.port === remote.port;
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
  *at(protocol: MappedProtocol, outside: NumericEndpoint): Iterable<Row> {
    const place = key(protocol, outside);
    const shared = this.#sharedByOutside.get(place);
    if (shared) yield shared;
    yield* this.#flowsByOutside.get(place)?.values() ?? [];
  }

  /** Whether a row for this very remote stands at the outside endpoint. */
  hasFlow(protocol: MappedProtocol, outside: NumericEndpoint, remote: NumericEndpoint): boolean {
    return this.#flowsByOutside.get(key(protocol, outside))?.has(whole(remote)) === true;
  }

  /** The youngest row that traffic from `inside` opened to a remote that the mapping cannot tell from this one. */
  youngest(protocol: MappedProtocol, inside: NumericEndpoint, remote: NumericEndpoint): Row | undefined {
    return this.#youngest.get(key(protocol, inside))?.get(this.#mapping(remote));
  }

  add(row: Row): void {
    this.#rows.add(row);
    const from = key(row.protocol, row.inside);
    const at = key(row.protocol, row.outside);
    if (row.shared) {
      put(this.#sharedByInside, from, this.#mapping(row.remote), row);
      this.#sharedByOutside.set(at, row);
      return;
    }
    put(this.#flowsByInside, from, whole(row.remote), row);
    put(this.#flowsByOutside, at, whole(row.remote), row);
    if (row.origin === 'inside') this.#befriend(row, from);
  }

  remove(row: Row): void {
    this.#rows.delete(row);
    this.#permissions -= row.permitted?.size ?? 0;
    const from = key(row.protocol, row.inside);
    const at = key(row.protocol, row.outside);
    if (row.shared) {
      take(this.#sharedByInside, from, this.#mapping(row.remote));
      this.#sharedByOutside.delete(at);
      return;
    }
    take(this.#flowsByInside, from, whole(row.remote));
    take(this.#flowsByOutside, at, whole(row.remote));
    if (row.origin === 'inside') this.#leave(row, from);
  }

  #befriend(row: Row, from: number): void {
    const sees = this.#mapping(row.remote);
    const elder = this.#youngest.get(from)?.get(sees);
    row.elderSibling = elder;
    if (elder) elder.youngerSibling = row;
    put(this.#youngest, from, sees, row);
  }

  #leave(row: Row, from: number): void {
    const { elderSibling: elder, youngerSibling: younger } = row;
    if (elder) elder.youngerSibling = younger;
    if (younger) younger.elderSibling = elder;
    else if (elder) put(this.#youngest, from, this.#mapping(row.remote), elder);
    else take(this.#youngest, from, this.#mapping(row.remote));
  }
}

function put(rows: Map<number, Map<number, Row>>, first: number, second: number, row: Row): void {
  const group = rows.get(first);
  if (group) group.set(second, row);
  else rows.set(first, new Map([[second, row]]));
}

function take(rows: Map<number, Map<number, Row>>, first: number, second: number): void {
  const group = rows.get(first);
  group?.delete(second);
  if (group?.size === 0) rows.delete(first);
}
