/** Who gets a new row, and at which outside endpoint. It decides; the box does. */
import { ipv4FromNumber, type IpAddress } from '../core/address.ts';
import { decoded, refused, type Decoded, type Refusal } from '../core/decoded.ts';
import type { MappedProtocol } from '../core/events.ts';
import type { Random } from '../core/random.ts';
import { identifierRange, PortAllocator, rangeFor } from './allocation.ts';
import type { NatBehaviour, NatBoxConfig } from './behaviour.ts';
import type { Flow } from './flow.ts';
import { holdersOfEsp, holdersOfPinnedPort, isPinned } from './passthrough.ts';
import { named } from './stories.ts';
import { numericAddress, sameInside, type MappingTable, type NumericEndpoint, type Row, type RowFields } from './table.ts';

export interface Opening {
  readonly row: RowFields;
  /** Rows that must go first. */
  readonly steals: readonly Row[];
}

interface Place {
  readonly outside: NumericEndpoint;
  readonly steals: readonly Row[];
}

export class Openings {
  readonly #name: string;
  readonly #behaviour: NatBehaviour;
  readonly #table: MappingTable;
  readonly #allocator: PortAllocator;
  readonly #insidePrefixes: readonly { readonly network: number; readonly mask: number }[];
  readonly #forwards: ReadonlyMap<string, NumericEndpoint>;
  #outside: readonly number[];

  constructor({ name, behaviour, outsideAddresses, insidePrefixes, forwards }: NatBoxConfig, table: MappingTable, random: Random) {
    if (outsideAddresses.length === 0) throw new TypeError(`the NAT box ${name} has no outside address`);
    this.#name = name;
    this.#behaviour = behaviour;
    this.#table = table;
    this.#allocator = new PortAllocator(behaviour.ports, random);
    this.#outside = outsideAddresses.map(numericAddress);
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
    return this.#outside.includes(address);
  }

  /** New rows stand at another address from now on. */
  moveTo(address: IpAddress): void {
    this.#outside = [numericAddress(address), ...this.#outside.slice(1)];
  }

  /** As after a start. */
  forget(): void {
    this.#allocator.forget();
  }

  /** A row for the first packet of a flow out of the inside. */
  fromInside(flow: Flow): Decoded<Opening> {
    const { protocol, source, destination } = flow;
    if (!this.#insidePrefixes.some(({ network, mask }) => (source.address & mask) === network)) {
      return refused('nat-not-inside', `${ipv4FromNumber(source.address)} is not among the addresses that ${this.#name} translates`);
    }
    if (flow.phase === 'reply') return refused('nat-no-mapping', `${named(protocol, source)} answers what ${this.#name} never let in`);
    if (flow.phase === 'fin' || flow.phase === 'reset') return refused('nat-no-mapping', `${named(protocol, source)} closes what ${this.#name} never saw open`);
    const full = this.full();
    if (full) return full;
    const place = this.#placeFor(flow);
    if (!place.ok) return place;
    const shared = this.#behaviour.ports.overloading === false && protocol !== 'esp' && !isPinned(this.#behaviour.pinned, protocol, source.port);
    const { outside, steals } = place.value;
    return decoded({ row: { protocol, inside: source, outside, remote: destination, shared, origin: 'inside' }, steals });
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
    const full = this.full();
    if (full) return full;
    const rival = this.#table.fromInside(protocol, inside, source);
    if (rival && !rival.shared) {
      return refused('nat-no-port', `${named(protocol, source)} and ${named(protocol, inside)} already speak through ${named(protocol, rival.outside)}: answers could not be told apart`);
    }
    return decoded({ row: { protocol, inside, outside: destination, remote: source, shared: false, origin: 'outside' }, steals: [] });
  }

  /** Why the box can remember no more, if so. */
  full(): Refusal | undefined {
    if (this.#table.size < this.#behaviour.tableSize) return undefined;
    return refused('nat-no-port', `the table of ${this.#name} is full: ${this.#behaviour.tableSize} entries`);
  }

  #placeFor(flow: Flow): Decoded<Place> {
    const { protocol, source } = flow;
    if (protocol === 'esp') return this.#placeForEsp(flow);
    if (isPinned(this.#behaviour.pinned, protocol, source.port)) return this.#pinnedPlaceFor(flow);
    return this.#placeAtAnyPort(flow);
  }

  #placeAtAnyPort(flow: Flow): Decoded<Place> {
    const { protocol, source, destination } = flow;
    const address = this.#outside[0]!;
    const isFree = (port: number): boolean => this.#isFree(flow, { address, port });
    const sibling = this.#behaviour.ports.overloading === 'per-remote' ? this.#table.youngest(protocol, source, destination) : undefined;
    const port =
      sibling?.outside.address === address && isFree(sibling.outside.port)
        ? sibling.outside.port
        : this.#allocator.choose(source.port, protocol === 'icmp' ? identifierRange : rangeFor(this.#behaviour.ports, source.port), isFree);
    if (port !== undefined) return decoded({ outside: { address, port }, steals: [] });
    return refused('nat-no-port', `${this.#name} has no outside port left for ${named(protocol, source)} to ${named(protocol, destination)}`);
  }

  #isFree({ protocol, source, destination }: Flow, outside: NumericEndpoint): boolean {
    if (isPinned(this.#behaviour.pinned, protocol, outside.port)) return false; // it is only for those who cannot have another
    if (this.#behaviour.ports.overloading === 'per-remote') return !this.#table.hasFlow(protocol, outside, destination);
    const target = this.#forwards.get(forwardKey(protocol, outside.port));
    if (target !== undefined && (target.address !== source.address || target.port !== source.port)) return false;
    for (const row of this.#table.at(protocol, outside)) {
      if (row.shared || !sameInside(row, source)) return false;
    }
    return true;
  }

  #pinnedPlaceFor({ source, destination }: Flow): Decoded<Place> {
    const { onConflict, scope } = this.#behaviour.pinned;
    const outside = { address: this.#outside[0]!, port: source.port };
    const holders = holdersOfPinnedPort(this.#table, scope, outside, source, destination);
    if (holders.length === 0 || onConflict === 'steal') return decoded({ outside, steals: holders });
    const { inside, remote } = holders[0]!;
    return refused('nat-pinned-port-taken', `${this.#name} does not translate port ${source.port}, and ${named('udp', inside)} has it for ${named('udp', remote)}: ${named('udp', source)} gets nothing`);
  }

  #placeForEsp({ source, destination }: Flow): Decoded<Place> {
    const outside = { address: this.#outside[0]!, port: 0 };
    if (this.#behaviour.esp === 'blocked') return refused('nat-esp-blocked', `${this.#name} does not let ESP through`);
    const [holder] = holdersOfEsp(this.#table, this.#behaviour.esp, outside, source, destination);
    if (holder === undefined) return decoded({ outside, steals: [] });
    return refused('nat-esp-taken', `ESP has no ports, and ${named('esp', holder.inside)} already speaks to ${named('esp', holder.remote)} through ${this.#name}: ${named('esp', source)} must wait`);
  }
}

const forwardKey = (protocol: MappedProtocol, port: number): string => `${protocol} ${port}`;
