/** NAT keepalives: one octet 0xFF, so that the box does not forget who stands behind it (RFC 3948 §4). */
import { describeDuration, after, type Instant } from '../core/time.ts';
import { natKeepalive } from '../wire/natt.ts';
import type { AnyIkeSa } from './any-ike-sa.ts';
import { lastUse } from './child.ts';

const name = 'NAT keepalive';

/** Only the side behind the NAT sends them, and only where ESP goes the same way. Starts anew when it runs already. */
export function startKeepalives(sa: AnyIkeSa): void {
  const { interval } = sa.context.config.keepalive;
  if (interval === 'off' || !sa.nat.localBehindNat || sa.encapsulation === 'none') return;
  sa.alarm(name, after(sa.lastSent, interval), () => due(sa));
}

/** Another IKE SA has taken over, and its keepalives do for both. */
export const stopKeepalives = (sa: AnyIkeSa): void => sa.cancel(name);

/** Nothing of IKE went out for an interval; ESP may have: the stack knows. */
function due(sa: AnyIkeSa): void {
  const { interval } = sa.context.config.keepalive;
  if (interval === 'off') return;
  const { now } = sa.context;
  if (after(sa.lastSent, interval) > now) {
    startKeepalives(sa);
    return;
  }
  lastUse(sa, 'outbound', (used) => {
    const quietSince = Math.max(sa.lastSent, Math.min(used ?? 0, sa.context.now)) as Instant;
    if (after(quietSince, interval) > sa.context.now) {
      sa.alarm(name, after(quietSince, interval), () => due(sa));
      return;
    }
    sa.lastSent = sa.context.now;
    const { local, peer } = sa;
    sa.context.output({ kind: 'datagram', local, peer, payload: natKeepalive });
    const story = `${sa.names.me} has sent nothing for ${describeDuration(interval)}: one octet 0xFF keeps the NAT from forgetting it.`;
    sa.context.event({ kind: 'keepalive-sent', ...sa.name, local, peer, story });
    startKeepalives(sa);
  });
}
