/** IDci and IDcr: the traffic of a child SA, one block at each end (RFC 2407 §4.6.2, RFC 2409 §5.5). */
import { addressBytes, addressFromBytes, isIpv4, type IpAddress } from '../../core/address.ts';
import { concat, sameBytes } from '../../core/bytes.ts';
import type { TrafficSelector } from '../../wire/ike/message.ts';
import { identificationTypes, type Payload } from '../../wire/ike/v1/message.ts';
import { prefixesOf, selectorOf } from '../traffic-selectors.ts';

const { IPV4_ADDR, IPV4_ADDR_SUBNET, IPV4_ADDR_RANGE, IPV6_ADDR, IPV6_ADDR_SUBNET, IPV6_ADDR_RANGE, FQDN, USER_FQDN, DER_ASN1_DN, KEY_ID } = identificationTypes;
type IdentityPayload = Extract<Payload, { type: 'ID' }>;

/** What one quick mode is about. */
export interface TrafficPair {
  readonly local: TrafficSelector;
  readonly remote: TrafficSelector;
}

/** An address where it is one, else a subnet where it is one, else a range. A range of ports is none that IKEv1 could say: any port. */
export function clientIdentity(selector: TrafficSelector): IdentityPayload {
  const { protocol, startPort, endPort, startAddress, endAddress } = selector;
  const v4 = isIpv4(startAddress);
  const common = { type: 'ID', protocol, port: startPort === endPort ? startPort : 0 } as const;
  if (startAddress === endAddress) return { ...common, idType: v4 ? IPV4_ADDR : IPV6_ADDR, data: addressBytes(startAddress) };
  const [block, ...more] = prefixesOf(selector);
  if (block !== undefined && more.length === 0) return { ...common, idType: v4 ? IPV4_ADDR_SUBNET : IPV6_ADDR_SUBNET, data: concat(addressBytes(block.address), maskOctets(block.length, v4 ? 4 : 16)) };
  return { ...common, idType: v4 ? IPV4_ADDR_RANGE : IPV6_ADDR_RANGE, data: concat(addressBytes(startAddress), addressBytes(endAddress)) };
}

/** The traffic that an identity names; undefined for one that names none: a name, a mask with holes, a range that ends before it begins. */
export function clientSelector({ idType, protocol, port, data }: IdentityPayload): TrafficSelector | undefined {
  const ports = port === 0 ? { startPort: 0, endPort: 0xffff } : { startPort: port, endPort: port };
  const [first, second] = [data.subarray(0, data.length / 2), data.subarray(data.length / 2)];
  switch (idType) {
    case IPV4_ADDR:
    case IPV6_ADDR:
      return { protocol, ...ports, startAddress: addressFromBytes(data), endAddress: addressFromBytes(data) };
    case IPV4_ADDR_SUBNET:
    case IPV6_ADDR_SUBNET: {
      const length = maskLength(second);
      return length === undefined ? undefined : { ...selectorOf({ address: masked(first, second), length }), protocol, ...ports };
    }
    case IPV4_ADDR_RANGE:
    case IPV6_ADDR_RANGE:
      return isAscending(first, second) ? { protocol, ...ports, startAddress: addressFromBytes(first), endAddress: addressFromBytes(second) } : undefined;
    default:
      return undefined;
  }
}

/** An identity that names somebody, and no block of addresses. */
export const isName = ({ idType }: IdentityPayload): boolean => names.has(idType);

const names: ReadonlySet<number> = new Set([FQDN, USER_FQDN, DER_ASN1_DN, KEY_ID]);

/** Whether an answer names what was asked for, in the same order and octet by octet; or, where the addresses are not the same at both ends, but for those. */
export const sameIdentities = (answered: readonly IdentityPayload[], asked: readonly IdentityPayload[], addresses: 'same' | 'translated'): boolean =>
  answered.length === asked.length &&
  answered.every(({ idType, protocol, port, data }, i) => idType === asked[i]!.idType && protocol === asked[i]!.protocol && port === asked[i]!.port && (addresses === 'translated' || sameBytes(data, asked[i]!.data)));

/** 4 or 16 octets. */
export const maskOctets = (length: number, octets: number): Uint8Array => Uint8Array.from({ length: octets }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))) & 0xff);

/** Undefined for a mask with holes. */
export function maskLength(octets: Uint8Array): number | undefined {
  const bits = [...octets].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined;
}

const masked = (address: Uint8Array, by: Uint8Array): IpAddress => addressFromBytes(address.map((octet, i) => octet & by[i]!));

function isAscending(a: Uint8Array, b: Uint8Array): boolean {
  const at = a.findIndex((octet, i) => octet !== b[i]);
  return at < 0 || a[at]! < b[at]!;
}
