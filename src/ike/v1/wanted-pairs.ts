/** Which traffic a quick mode is for: IKEv1 has one block at each end, and nothing is narrowed (RFC 2409 §5.5). */
import { isIpv4, type IpAddress } from '../../core/address.ts';
import { decoded, refused, type Decoded } from '../../core/decoded.ts';
import type { Payload } from '../../wire/ike/v1/message.ts';
import type { TrafficSelector } from '../../wire/ike/message.ts';
import { addressIdentityFits } from '../address-identity.ts';
import type { Path } from '../any-ike-sa.ts';
import { describeIdentity, identityToWire } from '../identity.ts';
import { narrow, selectorOf, selectorOfAddress, within } from '../traffic-selectors.ts';
import { wantedSelectors } from '../wanted-traffic.ts';
import { clientIdentity, clientSelector, isName, type TrafficPair } from './client-identities.ts';
import type { IsakmpSa } from './sa.ts';

type IdentityPayload = Extract<Payload, { type: 'ID' }>;

/**
 * Every block here with every block there, as far as they can speak to each other; of those there what the gateway has told of, if it has. `inner` is the address
 * that a client is about to have.
 */
export function wantedPairs(sa: IsakmpSa, inner?: TrafficSelector): TrafficPair[] {
  const { local, remote: configured } = wantedSelectors(sa, inner);
  const remote = sa.splitNetworks.length === 0 ? configured : narrow(sa.splitNetworks.map(selectorOf), configured);
  return local.flatMap((here) => remote.filter((there) => isIpv4(here.startAddress) === isIpv4(there.startAddress)).map((there) => ({ local: here, remote: there })));
}

/** Those of them for which there is no child SA, nor one under way. */
export function missingPairs(sa: IsakmpSa): TrafficPair[] {
  const there = [...[...sa.children].filter(({ state }) => state === 'installed').map(({ selectors }) => selectors), ...[...sa.wishes.values()].map(({ pair: { local, remote } }) => ({ local: [local], remote: [remote] }))];
  return wantedPairs(sa).filter(({ local, remote }) => !there.some((has) => narrow(has.local, [local]).length > 0 && narrow(has.remote, [remote]).length > 0));
}

/**
 * The traffic that the initiator asks for, if it lies in what is wanted here: it goes back as it came. Without identities it is that between the
 * two themselves (RFC 2409 §5.5). In transport mode whoever stands behind a NAT is called by an address that the other does not see, or by a name.
 */
export function acceptedTraffic(sa: IsakmpSa, identities: readonly IdentityPayload[], { local, peer }: Path): Decoded<TrafficPair> {
  const { connection, virtualAddress, nat } = sa;
  if (typeof connection.virtualAddress === 'object' && virtualAddress === undefined) return refused('isakmp-identity', 'the client has asked for no inner address, and nobody is let in without one');
  const [initiator, responder, ...more] = identities;
  if (more.length > 0 || (initiator !== undefined && responder === undefined)) return refused('isakmp-payloads', 'there are two identities in quick mode, or none');
  const isTransport = connection.child.mode === 'transport';
  if (isTransport && connection.addressIdentity === 'strict' && initiator !== undefined && !addressIdentityFits(initiator, peer.address)) {
    return refused('isakmp-identity', `it says that its traffic is of ${describeIdentity(initiator)}, and its packets come from ${peer.address}`);
  }
  const here = blockOf(responder, local.address, isTransport, nat.localBehindNat);
  const there = blockOf(initiator, peer.address, isTransport, nat.remoteBehindNat);
  if (here === undefined || there === undefined) return refused('isakmp-identity', 'an identity that names no traffic');
  const fits = wantedPairs(sa).some((wanted) => within([here], [wanted.local]) && within([there], [wanted.remote]));
  return fits ? decoded({ local: here, remote: there }) : refused('isakmp-identity', 'not the traffic that is wanted here');
}

/** What the initiator calls the two ends. A name can stand for itself only where the traffic is its own: in transport mode. */
export function quickModeIdentities({ settings, connection }: IsakmpSa, { local, remote }: TrafficPair): IdentityPayload[] {
  const [own, other] = [clientIdentity(local), clientIdentity(remote)];
  const isNamed = connection.child.mode === 'transport' && settings.quickModeIdentity === 'name';
  return [isNamed ? { ...own, ...identityToWire(connection.localIdentity) } : own, other];
}

/** The traffic that an identity stands for at this end. */
function blockOf(identity: IdentityPayload | undefined, address: IpAddress, isTransport: boolean, isTranslated: boolean): TrafficSelector | undefined {
  const seen = selectorOfAddress(address);
  if (identity === undefined) return seen;
  const { protocol, port } = identity;
  return isTransport && (isTranslated || isName(identity)) ? clientSelector({ ...clientIdentity(seen), protocol, port }) : clientSelector(identity);
}
