/** NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP (RFC 7296 §2.23). */
import type { Endpoint } from '../../core/address.ts';
import { natDetectionHash } from '../../crypto/nat-detection-hash.ts';
import { notifyTypes, type Payload } from '../../wire/ike/message.ts';
import { compareHashes, type NatVerdict } from '../nat-detection.ts';
import { notifiesOf, notify } from './payloads.ts';

interface Spis {
  readonly initiatorSpi: Uint8Array;
  /** Eight zeros in the first message. */
  readonly responderSpi: Uint8Array;
}

/** The notifies of a message that leaves for `peer` from one of the `sources`, as its sender believes. */
export const natDetectionNotifies = ({ initiatorSpi, responderSpi }: Spis, sources: readonly Endpoint[], peer: Endpoint): Payload[] => [
  ...sources.map(({ address, port }) => notify(notifyTypes.NAT_DETECTION_SOURCE_IP, natDetectionHash(initiatorSpi, responderSpi, address, port))),
  notify(notifyTypes.NAT_DETECTION_DESTINATION_IP, natDetectionHash(initiatorSpi, responderSpi, peer.address, peer.port)),
];

/** The verdict on the peer's notifies, given the addresses that its message was seen with. */
export const natVerdict = (payloads: readonly Payload[], { initiatorSpi, responderSpi }: Spis, local: Endpoint, peer: Endpoint): NatVerdict =>
  compareHashes(
    {
      sources: notifiesOf(payloads, notifyTypes.NAT_DETECTION_SOURCE_IP).map(({ data }) => data),
      destinations: notifiesOf(payloads, notifyTypes.NAT_DETECTION_DESTINATION_IP).map(({ data }) => data),
    },
    {
      source: natDetectionHash(initiatorSpi, responderSpi, peer.address, peer.port),
      destination: natDetectionHash(initiatorSpi, responderSpi, local.address, local.port),
    },
  );
