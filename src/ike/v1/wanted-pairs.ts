/** Which traffic a quick mode is for: IKEv1 has one block at each end, and nothing is narrowed (RFC 2409 §5.5). */
import { isIpv4 } from '../../core/address.ts';
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import type { Payload } from '../../wire/ike/v1/message.ts';
import type { Path } from '../any-ike-sa.ts';
import { narrow, selectorOf, selectorOfAddress, within } from '../traffic-selectors.ts';
import { wantedSelectors } from '../wanted-traffic.ts';
import { clientSelector, type TrafficPair } from './client-identities.ts';
import type { IsakmpSa } from './sa.ts';

/** Every block here with every block there, as far as they can speak to each other; of those there what the gateway has told of, if it has. */
export function wantedPairs(sa: IsakmpSa): TrafficPair[] {
  const { local, remote: configured } = wantedSelectors(sa);
  const remote = sa.splitNetworks.length === 0 ? configured : narrow(sa.splitNetworks.map(selectorOf), configured);
  return local.flatMap((here) => remote.filter((there) => isIpv4(here.startAddress) === isIpv4(there.startAddress)).map((there) => ({ local: here, remote: there })));
}

/**
 * The traffic that the initiator asks for, if it lies in what is wanted here: it goes back as it came. Without identities it is that between the
 * two themselves (RFC 2409 §5.5).
 */
export function acceptedTraffic(sa: IsakmpSa, identities: readonly Extract<Payload, { type: 'ID' }>[], { local, peer }: Path): Decoded<TrafficPair> {
  if (typeof sa.connection.virtualAddress === 'object' && sa.virtualAddress === undefined) return refused('isakmp-identity', 'the client has asked for no inner address, and nobody is let in without one');
  const [initiator, responder, ...more] = identities;
  if (more.length > 0 || (initiator !== undefined && responder === undefined)) return refused('isakmp-payloads', 'there are two identities in quick mode, or none');
  const here = responder === undefined ? selectorOfAddress(local.address) : clientSelector(responder);
  const there = initiator === undefined ? selectorOfAddress(peer.address) : clientSelector(initiator);
  if (here === undefined || there === undefined) return refused('isakmp-identity', 'an identity that names no traffic');
  const fits = wantedPairs(sa).some((wanted) => within([here], [wanted.local]) && within([there], [wanted.remote]));
  return fits ? decoded({ local: here, remote: there }) : refused('isakmp-identity', 'not the traffic that is wanted here');
}
