/** Which traffic the configuration wants in the tunnel (RFC 7296 §2.9, RFC 4301 §4.4.1). */
import type { TrafficSelector } from '../wire/ike/message.ts';
import type { AnyIkeSa } from './any-ike-sa.ts';
import { tellChildFailed } from './child.ts';
import { configuredSelectors, narrow, selectorOfAddress, type Selectors } from './traffic-selectors.ts';

/**
 * The configured selectors; `dynamic` is this side's inner address and the peer's, or the outer ones where there are none. A client that has yet to
 * be given its address says what it asks for instead.
 */
export function wantedSelectors(sa: AnyIkeSa, asked?: TrafficSelector): Selectors {
  const { connection, local, peer, virtualAddress } = sa;
  const gives = typeof connection.virtualAddress === 'object';
  const here = asked ?? selectorOfAddress(gives ? local.address : (virtualAddress ?? local.address));
  const there = selectorOfAddress(gives ? (virtualAddress ?? peer.address) : peer.address);
  return configuredSelectors(connection.child, { local: here, remote: there });
}

/** What of the peer's wish this side wants too; undefined when nothing is left (TS_UNACCEPTABLE). */
export function narrowed(sa: AnyIkeSa, offered: Selectors): Selectors | undefined {
  const wanted = wantedSelectors(sa);
  const selectors = { local: narrow(offered.local, wanted.local), remote: narrow(offered.remote, wanted.remote) };
  return selectors.local.length > 0 && selectors.remote.length > 0 ? selectors : undefined;
}

/** There was to be a child SA, and there is none; the IKE SA goes on. */
export const childFailed = (sa: AnyIkeSa, story: string): void => tellChildFailed(sa, wantedSelectors(sa), story);
