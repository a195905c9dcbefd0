/** Whether an identity is the one that is wanted; read strictly, an address must be where the packets come from, which behind a NAT it is not. */
import { addressFromBytes, type IpAddress } from '../core/address.ts';
import { identificationTypes } from '../wire/ike/message.ts';
import type { ConnectionConfig } from './config.ts';
import { describeIdentity, matchesIdentity, type WireIdentity } from './identity.ts';

/** Why a connection is not for this identity, though it may be proved; undefined when it is. */
export function wrongIdentity({ remoteIdentity, addressIdentity }: ConnectionConfig, identity: WireIdentity, from: IpAddress): string | undefined {
  if (!matchesIdentity(remoteIdentity, identity)) return `its identity is ${describeIdentity(identity)}, which is not the one expected`;
  if (addressIdentity === 'strict' && !addressIdentityFits(identity, from)) return `it says that it is ${describeIdentity(identity)}, and its packets come from ${from}`;
  return undefined;
}

/** Every identity that is no address fits. */
export function addressIdentityFits({ idType, data }: WireIdentity, from: IpAddress): boolean {
  const isAddress = (idType === identificationTypes.IPV4_ADDR && data.length === 4) || (idType === identificationTypes.IPV6_ADDR && data.length === 16);
  return !isAddress || addressFromBytes(data) === from;
}
