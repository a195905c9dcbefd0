/**
 * Who dies next. A box has a handful of lifetimes and time never goes back, so rows of one lifetime, kept in the order of their last
 * refresh, are in the order of their death: refreshing, removing and finding the next cost the same whatever the size of the table.
 */
import { after, type Duration, type Instant } from '../core/time.ts';

/** What can be queued: in at most one queue at a time, the links are the queue's own. */
export interface Aging<Item> {
  expiresAt: Instant;
  /** How long it lives from its last refresh on: which queue it stands in. */
  lifetime: Duration;
  older: Item | undefined;
  newer: Item | undefined;
}

interface Line<Item> {
  oldest: Item | undefined;
  newest: Item | undefined;
}

export class Expiry<Item extends Aging<Item>> {
  readonly #lines = new Map<Duration, Line<Item>>();

  /** Queues an item that stands nowhere. */
  add(item: Item, now: Instant, lifetime: Duration): void {
    item.lifetime = lifetime;
    item.expiresAt = after(now, lifetime);
    const line = this.#line(lifetime);
    item.older = line.newest;
    item.newer = undefined;
    if (line.newest) line.newest.newer = item;
    else line.oldest = item;
    line.newest = item;
  }

  /** It lives `lifetime` from now on. */
  refresh(item: Item, now: Instant, lifetime: Duration): void {
    if (lifetime === item.lifetime && item.newer === undefined) {
      item.expiresAt = after(now, lifetime); // already the last of its line
      return;
    }
    this.remove(item);
    this.add(item, now, lifetime);
  }

  remove(item: Item): void {
    const { older, newer } = item;
    const line = this.#line(item.lifetime);
    if (older) older.newer = newer;
    else line.oldest = newer;
    if (newer) newer.older = older;
    else line.newest = older;
    item.older = undefined;
    item.newer = undefined;
  }

  /** The one that dies first, whether due or not. */
  next(): Item | undefined {
    let first: Item | undefined;
    for (const { oldest } of this.#lines.values()) {
      if (oldest !== undefined && (first === undefined || oldest.expiresAt < first.expiresAt)) first = oldest;
    }
    return first;
  }

  #line(lifetime: Duration): Line<Item> {
    let line = this.#lines.get(lifetime);
    if (line === undefined) {
      line = { oldest: undefined, newest: undefined };
      this.#lines.set(lifetime, line);
    }
    return line;
  }
}
