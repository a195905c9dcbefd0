/** The end of SAs, by time and by use, and how the daemon hears of it (SADB_EXPIRE, RFC 2367 §3.1.8). */
import type { Instant } from '../core/time.ts';
import type { Kernel } from './kernel.ts';
import { currentLifetime, deadline, isSpent, use } from './lifetime.ts';
import { nameInPfkey } from './pfkey-association.ts';
import { describeSpi, type EstablishedSa, type Sa } from './sad.ts';

/** Ends, or reports, every SA of which a limit in time is reached. */
export function expireByTime(kernel: Kernel, now: Instant): void {
  for (let sa = kernel.sad.takeDue(now); sa !== undefined; sa = kernel.sad.takeDue(now)) {
    if (sa.state === 'larval' || reached(deadline(sa.hard, sa.usage), now)) expireHard(kernel, sa);
    else expireSoft(kernel, sa);
  }
}

/** Whether the SA has carried all that its hard limit allows; it ends with the packet that would be one too many. */
export function endsByUse(kernel: Kernel, sa: EstablishedSa): boolean {
  if (!isSpent(sa.hard, sa.usage)) return false;
  expireHard(kernel, sa);
  return true;
}

/** Counts a packet of `bytes` inner octets. The first one may start a clock, the one that fills a soft limit is told. */
export function account(kernel: Kernel, now: Instant, sa: EstablishedSa, bytes: number): void {
  const isFirst = sa.usage.firstUse === undefined;
  use(sa.usage, now, bytes);
  if (isFirst) kernel.sad.reschedule(sa);
  if (sa.state === 'mature' && isSpent(sa.soft, sa.usage)) expireSoft(kernel, sa);
}

function expireSoft(kernel: Kernel, sa: EstablishedSa): void {
  sa.state = 'dying';
  kernel.sad.reschedule(sa);
  kernel.tell('SADB_EXPIRE', sa.protocol, { ...nameInPfkey(sa), lifetimeCurrent: currentLifetime(sa.usage), ...(sa.soft && { lifetimeSoft: sa.soft }) });
  kernel.saEvent('sa-updated', sa, `${describeSpi(sa.spi)} has reached its soft lifetime: it goes on, and the IKE daemon is told to make a new one.`);
}

function expireHard(kernel: Kernel, sa: Sa): void {
  const noLimits = { allocations: 0, bytes: 0n, addtime: 0n, usetime: 0n };
  const story =
    sa.state === 'larval'
      ? `${describeSpi(sa.spi)} was given out and never filled: it is free again.`
      : `${describeSpi(sa.spi)} has reached its hard lifetime: nothing goes by it any more.`;
  const lifetimes = sa.state === 'larval' ? { lifetimeHard: noLimits } : { lifetimeCurrent: currentLifetime(sa.usage), lifetimeHard: sa.hard ?? noLimits };
  const name = nameInPfkey(sa);
  kernel.sad.remove(sa);
  kernel.tell('SADB_EXPIRE', sa.protocol, { ...name, ...lifetimes });
  kernel.saEvent('sa-expired', sa, story);
}

const reached = (limit: Instant | undefined, now: Instant): boolean => limit !== undefined && limit <= now;
