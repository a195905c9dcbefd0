/** NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP: is there a NAT, and which side stands behind it (RFC 7296 §2.23)? */
import { describeEndpoint, type Endpoint } from '../../core/address.ts';
import { sameBytes } from '../../core/bytes.ts';
import { natDetectionHash } from '../../crypto/nat-detection-hash.ts';
import { notifyTypes, type Payload } from '../../wire/ike/message.ts';
import { notifiesOf, notify } from './payloads.ts';

/** What one side concluded. `supported`: the peer sent its notifies too, so that there is something to conclude from. */
export interface NatVerdict {
  readonly supported: boolean;
  readonly localBehindNat: boolean;
  readonly remoteBehindNat: boolean;
}

export const noNatDetection: NatVerdict = { supported: false, localBehindNat: false, remoteBehindNat: false };

export const natFound = ({ localBehindNat, remoteBehindNat }: NatVerdict): boolean => localBehindNat || remoteBehindNat;

interface Spis {
  readonly initiatorSpi: Uint8Array;
  /** Eight zeros in the first message. */
  readonly responderSpi: Uint8Array;
}

/** The two notifies of a message that leaves `local` for `peer`, as its sender believes. */
export const natDetectionNotifies = ({ initiatorSpi, responderSpi }: Spis, local: Endpoint, peer: Endpoint): Payload[] => [
  notify(notifyTypes.NAT_DETECTION_SOURCE_IP, natDetectionHash(initiatorSpi, responderSpi, local.address, local.port)),
  notify(notifyTypes.NAT_DETECTION_DESTINATION_IP, natDetectionHash(initiatorSpi, responderSpi, peer.address, peer.port)),
];

/**
 * Compares the peer's notifies with the addresses that its message was seen with. The peer may send several source hashes, one for each address
 * that its packet may leave by: it stands behind a NAT when none fits. The destination hash does not fit: we do.
 */
export function natVerdict(payloads: readonly Payload[], { initiatorSpi, responderSpi }: Spis, local: Endpoint, peer: Endpoint): NatVerdict {
  const sources = notifiesOf(payloads, notifyTypes.NAT_DETECTION_SOURCE_IP);
  const destinations = notifiesOf(payloads, notifyTypes.NAT_DETECTION_DESTINATION_IP);
  if (sources.length === 0 || destinations.length === 0) return noNatDetection;
  const observedSource = natDetectionHash(initiatorSpi, responderSpi, peer.address, peer.port);
  const observedDestination = natDetectionHash(initiatorSpi, responderSpi, local.address, local.port);
  return {
    supported: true,
    remoteBehindNat: !sources.some(({ data }) => sameBytes(data, observedSource)),
    localBehindNat: !destinations.some(({ data }) => sameBytes(data, observedDestination)),
  };
}

export function natDetectionStory({ supported, localBehindNat, remoteBehindNat }: NatVerdict, me: string, other: string, local: Endpoint, peer: Endpoint): string {
  if (!supported) return `No NAT detection with ${other}: nobody looks for a NAT, ports and ESP stay as they are.`;
  const mine = `the hash over where ${other} sends to is not the hash of ${describeEndpoint(local)}: ${me} stands behind a NAT`;
  const theirs = `the hash over what ${other} believes its own address to be is not the hash of ${describeEndpoint(peer)}, which ${me} sees: ${other} stands behind a NAT`;
  if (localBehindNat && remoteBehindNat) return `${capital(mine)}; and ${theirs} as well.`;
  if (localBehindNat) return `${capital(mine)}.`;
  if (remoteBehindNat) return `${capital(theirs)}.`;
  return `Both hashes fit the addresses that ${me} sees: there is no NAT between ${me} and ${other}.`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
