/** The peer's address before the NAT, where a system has one for the source of an SA and one for its destination. */
import type { IsLocal } from './dialect.ts';
import type { PfkeyBody } from './message.ts';

/** Of an inbound SA the peer's is the source, of an outbound one the destination. */
export function byDirection({ nattOriginalAddress, ...body }: PfkeyBody, isLocal: IsLocal): Omit<PfkeyBody, 'nattOriginalAddress'> {
  if (nattOriginalAddress === undefined) return body;
  const inbound = body.destination !== undefined && isLocal(body.destination.address);
  return inbound ? { nattOriginalSource: nattOriginalAddress, ...body } : { nattOriginalDestination: nattOriginalAddress, ...body };
}
