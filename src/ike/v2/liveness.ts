/** Dead-peer detection: a peer that has been silent is asked whether it lives (RFC 7296 §2.4). */
import { after, type Instant } from '../../core/time.ts';
import { lastUse } from '../child.ts';
import { probe } from './informational.ts';
import type { IkeSa } from './sa.ts';

const name = 'dead-peer detection';

export function watchLiveness(sa: IkeSa): void {
  const silence = sa.context.config.deadPeerDetection;
  if (silence !== 'off') sa.alarm(name, after(sa.lastHeard, silence), () => silent(sa));
}

/** No IKE message for so long; ESP that passes its check proves as much, and the stack knows of it. */
function silent(sa: IkeSa): void {
  const silence = sa.context.config.deadPeerDetection;
  if (silence === 'off' || sa.state !== 'established') return;
  if (after(sa.lastHeard, silence) > sa.context.now) {
    watchLiveness(sa);
    return;
  }
  lastUse(sa, 'inbound', (used) => {
    const heard = Math.max(sa.lastHeard, Math.min(used ?? 0, sa.context.now)) as Instant;
    if (after(heard, silence) > sa.context.now) {
      sa.alarm(name, after(heard, silence), () => silent(sa));
      return;
    }
    // a request under way asks the same question: it is retransmitted until the peer answers or is taken for dead
    if (sa.window.idle) probe(sa);
    sa.alarm(name, after(sa.context.now, silence), () => silent(sa));
  });
}
