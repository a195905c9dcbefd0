/** When an SA has lived long enough (RFC 4301 §4.4.2.1). */
import { after, seconds, type Duration, type Instant } from '../core/time.ts';
import type { PfkeyLifetime } from '../wire/pfkey/message.ts';

/** How much an SA was used: packets, octets of inner packets, and when. */
export interface Usage {
  readonly addedAt: Instant;
  firstUse: Instant | undefined;
  lastUse: Instant | undefined;
  packets: number;
  bytes: number;
}

export const unused = (addedAt: Instant): Usage => ({ addedAt, firstUse: undefined, lastUse: undefined, packets: 0, bytes: 0 });

export function use(usage: Usage, now: Instant, bytes: number): void {
  usage.firstUse ??= now;
  usage.lastUse = now;
  usage.packets += 1;
  usage.bytes += bytes;
}

/** A limit in PF_KEY's form: a field that is 0 limits nothing. */
export type Limit = PfkeyLifetime;

/** When time will reach the limit; undefined when it sets none, or counts from a first use that has not been. */
export function deadline(limit: Limit | undefined, usage: Usage): Instant | undefined {
  if (limit === undefined) return undefined;
  const byAge = limit.addtime > 0n ? after(usage.addedAt, wait(limit.addtime)) : undefined;
  const byUse = limit.usetime > 0n && usage.firstUse !== undefined ? after(usage.firstUse, wait(limit.usetime)) : undefined;
  return earlier(byAge, byUse);
}

/** Packets or bytes have reached the limit: not one more. */
export const isSpent = (limit: Limit | undefined, usage: Usage): boolean =>
  limit !== undefined && ((limit.allocations > 0 && usage.packets >= limit.allocations) || (limit.bytes > 0n && BigInt(usage.bytes) >= limit.bytes));

export const earlier = (a: Instant | undefined, b: Instant | undefined): Instant | undefined => (a === undefined || (b !== undefined && b < a) ? b : a);

/** lifetimeCurrent, as the README of this folder explains it: instants in whole seconds, `usetime` the last use. */
export const currentLifetime = (usage: Usage): PfkeyLifetime => ({
  allocations: usage.packets,
  bytes: BigInt(usage.bytes),
  addtime: wholeSeconds(usage.addedAt),
  usetime: usage.lastUse === undefined ? 0n : atLeastOne(BigInt(Math.ceil(usage.lastUse / 1000))), // 0 means never
});

const wait = (wholeSeconds: bigint): Duration => seconds(Number(wholeSeconds));
const wholeSeconds = (at: Instant): bigint => BigInt(Math.floor(at / 1000));
const atLeastOne = (n: bigint): bigint => (n > 1n ? n : 1n);
