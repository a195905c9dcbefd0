/** An initiator that begins and does not go on is forgotten: whoever sends first messages fills no memory for long (RFC 2408 §1.7.1). */
import { after, seconds } from '../../core/time.ts';
import type { IsakmpSa } from './sa.ts';

const halfOpenLifetime = seconds(30);

/** Each further step of the initiator's gives it more time. */
export function expireHalfOpen(sa: IsakmpSa): void {
  const { other } = sa.names;
  sa.alarm('half-open lifetime', after(sa.context.now, halfOpenLifetime), () => sa.close('failed', `${other} has begun an ISAKMP SA and not gone on: it is forgotten.`));
}
