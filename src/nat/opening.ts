/** Who gets a new row, and at which outside endpoint. It decides; the box does. */
import { ipv4FromNumber, type IpAddress } from '../core/address.ts';
import { decoded, refused, type Decoded } from '../core/decoded.ts';
import type { MappedProtocol } from '../core/events.ts';
import type { Random } from '../core/random.ts';
import { identifierRange, PortAllocator, rangeFor, type Range } from './allocation.ts';
import type { NatBehaviour, NatBoxConfig } from './behaviour.ts';
import type { Flow } from './flow.ts';
import { holdersOfPinnedPort, holdersOfPortless, isPinned } from './passthrough.ts';
import { OutsideAddresses } from './pool.ts';
import { PortBlocks } from './port-blocks.ts';
import { roomFor } from './room.ts';
import { named } from './stories.ts';
import { numericAddress, sameInside, type MappingTable, type NumericEndpoint, type Row, type RowFields } from './table.ts';

export interface Opening {
  readonly row: RowFields;
  /** Rows that must go first. */
  readonly steals: readonly Row[];
  readonly evicts: readonly Row[];
}

interface Place {
  readonly outside: NumericEndpoint;
  readonly steals: readonly Row[];
  /** For the one remote alone, whatever the behaviour has for others. */
  readonly lonely?: boolean;
  /** Others may stand there for the same remote. */
  readonly crowded?: boolean;
}

export class Openings {
  readonly #name: string;
  readonly #behaviour: NatBehaviour;
  readonly #table: MappingTable;
  readonly #allocator: PortAllocator;
  readonly #blocks: PortBlocks | undefined;
  readonly #outside: OutsideAddresses;
  readonly #insidePrefixes: readonly { readonly network: number; readonly mask: number }[];
  readonly #forwards: ReadonlyMap<string, NumericEndpoint>;

  constructor({ name, behaviour, outsideAddresses, insidePrefixes, forwards }: NatBoxConfig, table: MappingTable, random: Random) {
    if (outsideAddresses.length === 0) throw new TypeError(`the NAT box ${name} has no outside address`);
    this.#name = name;
    this.#behaviour = behaviour;
    this.#table = table;
    this.#allocator = new PortAllocator(behaviour.ports, random);
    this.#blocks = behaviour.ports.blocks === false ? undefined : new PortBlocks(behaviour.ports.range, behaviour.ports.blocks);
    this.#outside = new OutsideAddresses(behaviour.pool, outsideAddresses.map(numericAddress));
    this.#insidePrefixes = insidePrefixes.map(({ address, length }) => ({ network: numericAddress(address), mask: length === 0 ? 0 : -1 << (32 - length) }));
    this.#forwards = new Map(
      forwards.map((forward) =>
        forward.protocol === 'esp'
          ? [forwardKey('esp', 0), { address: numericAddress(forward.to), port: 0 }]
          : [forwardKey(forward.protocol, forward.port), { address: numericAddress(forward.to.address), port: forward.to.port }],
      ),
    );
  }

  isOutside(address: number): boolean {
    return this.#outside.has(address);
  }

  /** The address that the box itself speaks from. */
  get address(): number {
    return this.#outside.first;
  }

  isInside(address: number): boolean {
    return this.#insidePrefixes.some(({ network, mask }) => (address & mask) === network);
  }

  /** New rows stand at another address from now on, where they stood at the first: the one that is given back. */
  moveTo(address: IpAddress): number {
    return this.#outside.moveTo(numericAddress(address));
  }

  /** As after a start. */
  forget(): void {
    this.#allocator.forget();
    this.#outside.forget();
  }

  /** The row is in the table: its host has that address, and that block, from now on. */
  opened(row: Row): void {
    const { protocol, inside, outside, origin } = row;
    if (origin === 'outside') return;
    this.#outside.taken(row);
    if (hasPorts(protocol) && !isPinned(this.#behaviour.pinned, protocol, inside.port)) this.#blocks?.claim(inside.address, outside);
  }

  /** A row is gone. With the last one of a host go the address and the blocks that it had. */
  closed({ inside: { address } }: Row): void {
    if (this.#table.ofHost(address).size > 0) return;
    this.#outside.release(address);
    this.#blocks?.release(address);
  }

  /** A row for the first packet of a flow out of the inside. */
  fromInside(flow: Flow): Decoded<Opening> {
    const { protocol, source, destination } = flow;
    if (!this.isInside(source.address)) {
      return refused('nat-not-inside', `${ipv4FromNumber(source.address)} is not among the addresses that ${this.#name} translates`);
    }
    if (protocol === 'gre') return refused('nat-no-mapping', `${named(protocol, source)} has announced no call to ${ipv4FromNumber(destination.address)} on its control connection`);
    if (flow.phase === 'reply') return refused('nat-no-mapping', `${named(protocol, source)} answers what ${this.#name} never let in`);
    if (protocol === 'tcp' && flow.phase === 'data' && this.#behaviour.tcp.midStream === 'dropped') {
      return refused('nat-no-mapping', `${this.#name} never saw the connection of ${named(protocol, source)} begin`);
    }
    if (flow.phase === 'fin' || flow.phase === 'reset') return refused('nat-no-mapping', `${named(protocol, source)} closes what ${this.#name} never saw open`);
    const room = roomFor(this.#table, this.#behaviour, this.#name, source.address);
    if (!room.ok) return room;
    const place = this.#placeFor(flow);
    if (!place.ok) return place;
    const { outside, steals, lonely = false, crowded = false } = place.value;
    const shared = this.#behaviour.ports.overloading === false && !lonely && hasPorts(protocol) && !isPinned(this.#behaviour.pinned, protocol, source.port);
    return decoded({ row: { protocol, inside: source, outside, remote: destination, shared, crowded, origin: 'inside' }, steals, evicts: room.value });
  }

  /** A row for a packet from outside that belongs to none: a forwarded port lets anybody in, everything else stays out. */
  fromOutside({ protocol, source, destination, phase }: Flow): Decoded<Opening> {
    const inside = this.isOutside(destination.address) ? this.#forwards.get(forwardKey(protocol, destination.port)) : undefined;
    if (inside === undefined) {
      const [holder] = protocol === 'icmp' && phase === 'open' ? [] : this.#table.at(protocol, destination);
      return holder === undefined
        ? refused('nat-no-mapping', `nobody behind ${this.#name} stands for ${named(protocol, destination)}: what ${named(protocol, source)} sent there ends here`)
        : refused('nat-filtered', `${named(protocol, destination)} is ${named(protocol, holder.inside)}, but not for ${named(protocol, source)}, to which it has not spoken`);
    }
    const room = roomFor(this.#table, this.#behaviour, this.#name, inside.address);
    if (!room.ok) return room;
    const rival = this.#table.fromInside(protocol, inside, source);
    if (rival && !rival.shared) {
      return refused('nat-no-port', `${named(protocol, source)} and ${named(protocol, inside)} already speak through ${named(protocol, rival.outside)}: answers could not be told apart`);
    }
    return decoded({ row: { protocol, inside, outside: destination, remote: source, shared: false, crowded: false, origin: 'outside' }, steals: [], evicts: room.value });
  }

  /** A row for a PPTP call that an inside host announces to a server: the call ID that it chose, or the next one that nobody has there. */
  forCall(client: NumericEndpoint, address: number, server: number): Decoded<Opening> {
    const room = roomFor(this.#table, this.#behaviour, this.#name, client.address);
    if (!room.ok) return room;
    for (let tried = 0; tried <= 0xffff; tried++) {
      const outside = { address, port: (client.port + tried) & 0xffff };
      if (!this.#isEmpty('gre', outside)) continue;
      return decoded({ row: { protocol: 'gre', inside: client, outside, remote: { address: server, port: 0 }, shared: false, crowded: false, origin: 'inside' }, steals: [], evicts: room.value });
    }
    return refused('nat-no-port', `${this.#name} has no call ID left for ${named('gre', client)}`);
  }

  /** The first place that one of the box's addresses has for the flow; else why the last of them has none. */
  #placeFor(flow: Flow): Decoded<Place> {
    let place: Decoded<Place> = refused('nat-no-port', `${this.#name} has no outside address for ${named(flow.protocol, flow.source)}`);
    const sibling = this.#siblingOf(flow)?.outside.address;
    const candidates = this.#outside.candidates(flow);
    for (const address of sibling !== undefined && candidates.includes(sibling) ? [sibling, ...candidates] : candidates) {
      place = this.#placeAt(address, flow);
      if (place.ok) break;
    }
    return place;
  }

  #placeAt(address: number, flow: Flow): Decoded<Place> {
    const { protocol, source } = flow;
    if (protocol === 'esp' || protocol === 'ah') return this.#placeWithoutPort(address, flow, protocol);
    if (isPinned(this.#behaviour.pinned, protocol, source.port)) return this.#pinnedPlaceFor(address, flow);
    return this.#placeAtAnyPort(address, flow);
  }

  #placeAtAnyPort(address: number, flow: Flow): Decoded<Place> {
    const { protocol, source, destination } = flow;
    const { assignment, onConflict } = this.#behaviour.ports;
    const at = (port: number): NumericEndpoint => ({ address, port });
    const isFree = (port: number): boolean => this.#isFree(flow, at(port));
    const sibling = this.#siblingOf(flow)?.outside;
    if (sibling?.address === address && isFree(sibling.port)) return decoded({ outside: sibling, steals: [] });

    const ranges = this.#rangesFor(flow, address);
    const wish = { insidePort: source.port, strict: this.#blocks !== undefined, beside: this.#portBeside(flow, address), isFree };
    const kept = firstOf(ranges, (range) => this.#allocator.prefer({ ...wish, range }));
    if (kept !== undefined) return decoded({ outside: at(kept), steals: [] });

    const conflict = assignment === 'preserve' ? onConflict : 'another-port';
    if (conflict === 'refuse') return refused('nat-no-port', `${this.#name} keeps ports or gives none, and ${named(protocol, at(source.port))} is taken: nothing for ${named(protocol, source)}`);
    const lonely = conflict === 'turn-symmetric';
    const isEmpty = (port: number): boolean => isFree(port) && this.#isEmpty(protocol, at(port));
    const another = firstOf(ranges, (range) => this.#allocator.choose({ ...wish, range, isFree: lonely ? isEmpty : isFree }));
    if (another !== undefined) return decoded({ outside: at(another), steals: [], lonely });
    return refused('nat-no-port', `${this.#name} has no outside port left for ${named(protocol, source)} to ${named(protocol, destination)}`);
  }

  /** Where a port for the flow may come from at this address, in the order of preference. */
  #rangesFor({ protocol, source }: Flow, address: number): readonly Range[] {
    if (this.#blocks) return this.#blocks.open(source.address, address);
    return [protocol === 'icmp' ? identifierRange : rangeFor(this.#behaviour.ports, source.port)];
  }

  /** Boxes that overload ports: an older flow to what the mapping cannot tell from this remote. One that is no longer deterministic goes on only with a port that it kept. */
  #siblingOf({ protocol, source, destination }: Flow): Row | undefined {
    const { overloading, assignment, onConflict } = this.#behaviour.ports;
    const sibling = overloading === false ? undefined : this.#table.youngest(protocol, source, destination);
    return assignment === 'preserve' && onConflict === 'turn-symmetric' && sibling?.outside.port !== source.port ? undefined : sibling;
  }

  /** RFC 4787 §4.2.3: above the port of the even partner, below that of the odd one. */
  #portBeside({ protocol, source }: Flow, address: number): number | undefined {
    if (!this.#behaviour.ports.contiguous || protocol === 'icmp') return undefined;
    const partner = source.port ^ 1;
    for (const row of this.#table.ofHost(source.address)) {
      if (row.protocol === protocol && row.inside.port === partner && row.outside.address === address) return row.outside.port + source.port - partner;
    }
    return undefined;
  }

  #isFree({ protocol, source, destination }: Flow, outside: NumericEndpoint): boolean {
    if (isPinned(this.#behaviour.pinned, protocol, outside.port)) return false; // it is only for those who cannot have another
    if (outside.address === destination.address && outside.port === destination.port) return false; // what turns around here would come back to its sender
    if (this.#behaviour.ports.overloading === 'per-remote') return !this.#table.hasFlow(protocol, outside, destination);
    const target = this.#forwards.get(forwardKey(protocol, outside.port));
    if (target !== undefined && (target.address !== source.address || target.port !== source.port)) return false;
    for (const row of this.#table.at(protocol, outside)) {
      if (row.shared || !sameInside(row, source)) return false;
    }
    return true;
  }

  #isEmpty(protocol: MappedProtocol, outside: NumericEndpoint): boolean {
    for (const _ of this.#table.at(protocol, outside)) return false;
    return true;
  }

  #pinnedPlaceFor(address: number, { source, destination }: Flow): Decoded<Place> {
    const { onConflict, scope } = this.#behaviour.pinned;
    const outside = { address, port: source.port };
    if (onConflict === 'share-by-cookie') return decoded({ outside, steals: [], crowded: true });
    const holders = holdersOfPinnedPort(this.#table, scope, outside, source, destination);
    if (holders.length === 0 || onConflict === 'steal') return decoded({ outside, steals: holders });
    const { inside, remote } = holders[0]!;
    return refused('nat-pinned-port-taken', `${this.#name} does not translate port ${source.port}, and ${named('udp', inside)} has it for ${named('udp', remote)}: ${named('udp', source)} gets nothing`);
  }

  #placeWithoutPort(address: number, { source, destination }: Flow, protocol: 'esp' | 'ah'): Decoded<Place> {
    const outside = { address, port: 0 };
    const passing = this.#behaviour[protocol];
    if (passing === 'blocked') return refused(protocol === 'esp' ? 'nat-esp-blocked' : 'nat-protocol', `${this.#name} does not let ${protocol.toUpperCase()} through`);
    const [holder] = holdersOfPortless(this.#table, protocol, passing, outside, source, destination);
    if (holder === undefined) return decoded({ outside, steals: [], crowded: passing === 'by-spi' });
    return refused('nat-esp-taken', `${protocol.toUpperCase()} has no ports, and ${named(protocol, holder.inside)} already speaks to ${named(protocol, holder.remote)} through ${this.#name}: ${named(protocol, source)} must wait`);
  }
}

/** Others have no outside port to hand out. */
const hasPorts = (protocol: MappedProtocol): boolean => protocol === 'udp' || protocol === 'tcp' || protocol === 'icmp';

const forwardKey = (protocol: MappedProtocol, port: number): string => `${protocol} ${port}`;

/** What `find` makes of the first range in which it finds anything. */
function firstOf(ranges: readonly Range[], find: (range: Range) => number | undefined): number | undefined {
  for (const range of ranges) {
    const port = find(range);
    if (port !== undefined) return port;
  }
  return undefined;
}
