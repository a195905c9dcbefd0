/** NAT-D payloads (RFC 3947 §3.2 and the drafts before it): the first is the peer's address, the following are one's own. */
import type { Endpoint } from '../../core/address.ts';
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import { natDetectionHash } from '../../crypto/nat-detection-hash.ts';
import type { Payload, PayloadChain } from '../../wire/ike/v1/message.ts';
import type { Path } from '../any-ike-sa.ts';
import { claimedSources, compareHashes, forced, natDetectionStory, noNatDetection, type NatVerdict } from '../nat-detection.ts';
import { all } from './payloads.ts';
import type { IsakmpSa, Negotiation } from './sa.ts';

/** More addresses than a host has. */
const mostHashes = 32;

/** None where there is no common version of NAT-T. */
export function natDetectionPayloads(sa: IsakmpSa): Payload[] {
  const { natt, local, peer, context, connection } = sa;
  if (natt === undefined) return [];
  return [peer, ...claimedSources(context.config, connection, local)].map((end) => ({ type: 'NAT-D', number: natt.natDetection, data: hashOf(sa, end) }));
}

/** The verdict on the peer's payloads, given the addresses that its message was seen with. Refuses hashes that are not of the length that was agreed on, and floods. */
export function natVerdict(sa: Negotiation, chain: Pick<PayloadChain, 'payloads'>, { local, peer }: Path): Decoded<NatVerdict> {
  const { natt } = sa;
  if (natt === undefined) return decoded(noNatDetection);
  const hashes = all(chain, 'NAT-D').filter(({ number }) => number === natt.natDetection).map(({ data }) => data);
  const { length, name } = sa.algorithms!.hash;
  const odd = hashes.find((hash) => hash.length !== length);
  if (odd !== undefined) return refused('nat-detection-payloads', `a NAT-D payload of ${odd.length} octets, where ${name} makes ${length}`);
  if (hashes.length > mostHashes) return refused('nat-detection-payloads', `${hashes.length} NAT-D payloads`);
  const [destination, ...sources] = hashes;
  return decoded(forced(sa.connection, compareHashes({ sources, destinations: destination === undefined ? [] : [destination] }, { source: hashOf(sa, peer), destination: hashOf(sa, local) })));
}

export function concludeNatDetection(sa: IsakmpSa, verdict: NatVerdict, { local, peer }: Path): void {
  if (!sa.connection.natTraversal) return;
  sa.nat = verdict;
  const { me, other } = sa.names;
  sa.context.event({
    kind: 'nat-detection', ...sa.name, ...verdict, ...(sa.natt === undefined ? {} : { nattVersion: sa.natt.version }),
    story: natDetectionStory(sa.connection, verdict, me, other, local, peer),
  });
}

const hashOf = ({ initiatorSpi, responderSpi, algorithms }: Negotiation, { address, port }: Endpoint): Uint8Array =>
  natDetectionHash(initiatorSpi, responderSpi, address, port, algorithms!.hash);
