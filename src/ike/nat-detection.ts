/** NAT detection: is there a NAT, and which side stands behind it (RFC 3947 §3.2, RFC 7296 §2.23)? What the versions share: the verdict. */
import { describeEndpoint, ip, type Endpoint } from '../core/address.ts';
import { sameBytes } from '../core/bytes.ts';
import type { ConnectionConfig, IkeConfig } from './config.ts';

/** What one side concluded. `supported`: the peer sent its notifies too, so that there is something to conclude from. */
export interface NatVerdict {
  readonly supported: boolean;
  readonly localBehindNat: boolean;
  readonly remoteBehindNat: boolean;
}

export const noNatDetection: NatVerdict = { supported: false, localBehindNat: false, remoteBehindNat: false };

export const natFound = ({ localBehindNat, remoteBehindNat }: NatVerdict): boolean => localBehindNat || remoteBehindNat;

/**
 * Compares the peer's hashes with those over the addresses that its message was seen with. The peer may send several source hashes, one for each address
 * that its packet may leave by: it stands behind a NAT when none fits. The destination hash does not fit: we do.
 */
export function compareHashes(
  { sources, destinations }: { readonly sources: readonly Uint8Array[]; readonly destinations: readonly Uint8Array[] },
  seen: { readonly source: Uint8Array; readonly destination: Uint8Array },
): NatVerdict {
  if (sources.length === 0 || destinations.length === 0) return noNatDetection;
  return {
    supported: true,
    remoteBehindNat: !sources.some((hash) => sameBytes(hash, seen.source)),
    localBehindNat: !destinations.some((hash) => sameBytes(hash, seen.destination)),
  };
}

/**
 * The addresses that this side says it sends from, a hash for each: a multi-homed host cannot tell which one its packet will leave by. Who forces encapsulation
 * says one that nobody has.
 */
export const claimedSources = ({ otherAddresses = [] }: IkeConfig, { encapsulation }: ConnectionConfig, local: Endpoint): Endpoint[] =>
  encapsulation === 'forced' ? [nowhere] : [local, ...otherAddresses.map((address) => ({ address, port: local.port }))];

const nowhere: Endpoint = { address: ip('0.0.0.0'), port: 0 };

/** Who forces encapsulation stands, for all that it does, behind a NAT: that is what its hash makes the peer believe. */
export const forced = ({ encapsulation }: ConnectionConfig, verdict: NatVerdict): NatVerdict =>
  encapsulation === 'forced' && verdict.supported ? { ...verdict, localBehindNat: true } : verdict;

export function natDetectionStory({ encapsulation }: ConnectionConfig, { supported, localBehindNat, remoteBehindNat }: NatVerdict, me: string, other: string, local: Endpoint, peer: Endpoint): string {
  if (!supported) return `No NAT detection with ${other}: nobody looks for a NAT, ports and ESP stay as they are.`;
  const mine = `the hash over where ${other} sends to is not the hash of ${describeEndpoint(local)}: ${me} stands behind a NAT`;
  const theirs = `the hash over what ${other} believes its own address to be is not the hash of ${describeEndpoint(peer)}, which ${me} sees: ${other} stands behind a NAT`;
  if (encapsulation === 'forced') return `${me} says that it sends from an address which it has not, so that ${other} finds a NAT, whether there is one or not: ESP goes in UDP.`;
  if (localBehindNat && remoteBehindNat) return `${capital(mine)}; and ${theirs} as well.`;
  if (localBehindNat) return `${capital(mine)}.`;
  if (remoteBehindNat) return `${capital(theirs)}.`;
  return `Both hashes fit the addresses that ${me} sees: there is no NAT between ${me} and ${other}.`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
