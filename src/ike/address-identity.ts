/** A strict reading of identities that are addresses: the packets must come from there, which behind a NAT they do not. */
import { addressFromBytes, type IpAddress } from '../core/address.ts';
import { identificationTypes } from '../wire/ike/message.ts';
import type { WireIdentity } from './identity.ts';

/** Every identity that is no address fits. */
export function addressIdentityFits({ idType, data }: WireIdentity, from: IpAddress): boolean {
  const isAddress = (idType === identificationTypes.IPV4_ADDR && data.length === 4) || (idType === identificationTypes.IPV6_ADDR && data.length === 16);
  return !isAddress || addressFromBytes(data) === from;
}
