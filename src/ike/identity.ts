import { addressBytes, addressFromBytes, ip, isIpv4, parseAddress } from '../core/address.ts';
import { fromHex, fromUtf8, sameBytes, toHex, utf8 } from '../core/bytes.ts';
import { identificationTypes } from '../wire/ike/message.ts';
import { decodeName, encodeName, nameText, parseName, sameName } from '../wire/x509/name.ts';
import type { Identity } from './config.ts';

/** What an identification payload carries (RFC 7296 §3.5). */
export interface WireIdentity {
  readonly idType: number;
  readonly data: Uint8Array;
}

/** An identity as its payload has it. A key ID is hex digits where it reads as such, text otherwise. */
export function identityToWire({ type, value }: Identity): WireIdentity {
  switch (type) {
    case 'address': {
      const address = ip(value);
      return { idType: isIpv4(address) ? identificationTypes.IPV4_ADDR : identificationTypes.IPV6_ADDR, data: addressBytes(address) };
    }
    case 'fqdn':
      return { idType: identificationTypes.FQDN, data: utf8(value) };
    case 'user-fqdn':
      return { idType: identificationTypes.RFC822_ADDR, data: utf8(value) };
    case 'key-id':
      return { idType: identificationTypes.KEY_ID, data: isHex(value) ? fromHex(value) : utf8(value) };
    case 'dn':
      return { idType: identificationTypes.DER_ASN1_DN, data: encodeName(parseName(value)) };
  }
}

export function matchesIdentity(wanted: Identity | 'any', claimed: WireIdentity): boolean {
  if (wanted === 'any') return true;
  if (wanted.type === 'address' && parseAddress(wanted.value) === undefined) return false;
  if (wanted.type === 'dn') {
    const name = claimed.idType === identificationTypes.DER_ASN1_DN ? decodeName(claimed.data) : undefined;
    return name?.ok === true && sameName(name.value, parseName(wanted.value));
  }
  const wire = identityToWire(wanted);
  return wire.idType === claimed.idType && sameBytes(wire.data, claimed.data);
}

/** For people, and as a key: `gw.example`, `192.0.2.1`, `O=natt-lab, CN=gw.example`. Control characters of a hostile peer become hex. */
export function describeIdentity({ idType, data }: WireIdentity): string {
  const isAddress = (idType === identificationTypes.IPV4_ADDR && data.length === 4) || (idType === identificationTypes.IPV6_ADDR && data.length === 16);
  if (isAddress) return addressFromBytes(data);
  const name = idType === identificationTypes.DER_ASN1_DN ? decodeName(data) : undefined;
  if (name?.ok === true && name.value.length > 0) return nameText(name.value);
  const text = fromUtf8(data);
  return data.length > 0 && data.length <= 255 && /^[\x20-\x7e]+$/.test(text) ? text : `0x${toHex(data)}`;
}

const isHex = (text: string): boolean => /^([0-9a-f]{2})+$/i.test(text);
