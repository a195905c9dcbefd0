/**
 * Who dies next. A box has a handful of lifetimes and time never goes back, so items of one lifetime, kept in line by their last
 * refresh, stand in the order of their death: refreshing, removing and finding the next cost the same whatever the size of the table.
 */
import { after, type Duration, type Instant } from '../core/time.ts';

/** Where an item stands; good until it is removed. */
export type Ticket = number;

/**
 * The lines are rings of tickets, linked by number in plain arrays: a refresh, the commonest thing in a box, makes no garbage and touches
 * little memory. Each ring begins and ends at the ticket of the line itself, which holds no item.
 */
export class Expiry<Item> {
  readonly #items: (Item | undefined)[] = [];
  readonly #free: Ticket[] = [];
  readonly #lineOfLifetime = new Map<Duration, Ticket>();
  readonly #lines: Ticket[] = [];
  #at = new Float64Array(64);
  #lifetime = new Float64Array(64);
  #older = new Int32Array(64);
  #newer = new Int32Array(64);

  /** The item lives `lifetime` from now on. */
  add(item: Item, now: Instant, lifetime: Duration): Ticket {
    const ticket = this.#take(item);
    this.#append(ticket, now, lifetime);
    return ticket;
  }

  refresh(ticket: Ticket, now: Instant, lifetime: Duration): void {
    this.#unlink(ticket);
    this.#append(ticket, now, lifetime);
  }

  remove(ticket: Ticket): void {
    this.#unlink(ticket);
    this.#items[ticket] = undefined;
    this.#free.push(ticket);
  }

  /** When it dies if nothing refreshes it. */
  at(ticket: Ticket): Instant {
    return this.#at[ticket] as Instant;
  }

  /** How long it was given at its last refresh. */
  lifetime(ticket: Ticket): Duration {
    return this.#lifetime[ticket] as Duration;
  }

  /** The earliest death; undefined when all live for ever, or there is nobody. */
  nextAt(): Instant | undefined {
    const ticket = this.#next();
    return ticket === undefined ? undefined : this.at(ticket);
  }

  /** One that is dead by `now`, the earliest first. It stays in line until it is removed. */
  due(now: Instant): Item | undefined {
    const ticket = this.#next();
    return ticket === undefined || this.at(ticket) > now ? undefined : this.#items[ticket];
  }

  #next(): Ticket | undefined {
    let first: Ticket | undefined;
    let earliest = Infinity;
    for (const line of this.#lines) {
      const oldest = this.#newer[line]!;
      if (oldest === line || this.#at[oldest]! >= earliest) continue;
      first = oldest;
      earliest = this.#at[oldest]!;
    }
    return first;
  }

  #append(ticket: Ticket, now: Instant, lifetime: Duration): void {
    const line = this.#lineOfLifetime.get(lifetime) ?? this.#newLine(lifetime);
    const last = this.#older[line]!;
    this.#at[ticket] = after(now, lifetime);
    this.#lifetime[ticket] = lifetime;
    this.#link(last, ticket);
    this.#link(ticket, line);
  }

  #unlink(ticket: Ticket): void {
    this.#link(this.#older[ticket]!, this.#newer[ticket]!);
  }

  #link(older: Ticket, newer: Ticket): void {
    this.#newer[older] = newer;
    this.#older[newer] = older;
  }

  #newLine(lifetime: Duration): Ticket {
    const line = this.#take(undefined);
    this.#link(line, line);
    this.#lineOfLifetime.set(lifetime, line);
    this.#lines.push(line);
    return line;
  }

  #take(item: Item | undefined): Ticket {
    const ticket = this.#free.pop() ?? this.#items.length;
    this.#items[ticket] = item;
    if (ticket === this.#at.length) this.#grow();
    return ticket;
  }

  #grow(): void {
    this.#at = larger(this.#at, Float64Array);
    this.#lifetime = larger(this.#lifetime, Float64Array);
    this.#older = larger(this.#older, Int32Array);
    this.#newer = larger(this.#newer, Int32Array);
  }
}

function larger<Numbers extends Float64Array | Int32Array>(numbers: Numbers, Kind: new (length: number) => Numbers): Numbers {
  const grown = new Kind(2 * numbers.length);
  grown.set(numbers);
  return grown;
}
