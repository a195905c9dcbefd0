/** The configuration payload: an inner address for a client (RFC 7296 §2.19, §3.15). */
import { addressBytes, addressFromBytes, isIpv4, type IpAddress } from '../../core/address.ts';
import { concat } from '../../core/bytes.ts';
import { configurationAttributes, configurationTypes, type Payload } from '../../wire/ike/message.ts';

type ConfigurationPayload = Extract<Payload, { type: 'CP' }>;
const { REQUEST, REPLY } = configurationTypes;

/** RFC 7296 §3.15.1: 4 octets, or 16 and the length of a prefix. */
const attributes = {
  4: { type: configurationAttributes.INTERNAL_IP4_ADDRESS, length: 4 },
  6: { type: configurationAttributes.INTERNAL_IP6_ADDRESS, length: 17 },
} as const;

/** CP(CFG_REQUEST): an address of this version of IP, whichever (RFC 7296 §2.19: the value is empty). */
export const addressRequest = (version: 4 | 6): ConfigurationPayload => ({
  type: 'CP', configuration: REQUEST, attributes: [{ type: attributes[version].type, value: new Uint8Array(0) }],
});

export const addressReply = (address: IpAddress): ConfigurationPayload => ({
  type: 'CP', configuration: REPLY,
  attributes: [isIpv4(address) ? { type: attributes[4].type, value: addressBytes(address) } : { type: attributes[6].type, value: concat(addressBytes(address), Uint8Array.of(128)) }],
});

const attributeOf = (payloads: readonly Payload[], configuration: number, version: 4 | 6): { readonly value: Uint8Array } | undefined =>
  payloads
    .find((payload): payload is ConfigurationPayload => payload.type === 'CP' && payload.configuration === configuration)
    ?.attributes.find(({ type }) => type === attributes[version].type);

/** Whether the client asks for an address of this version. */
export const asksForAddress = (payloads: readonly Payload[], version: 4 | 6): boolean => attributeOf(payloads, REQUEST, version) !== undefined;

/** The address that the gateway gave. */
export function givenAddress(payloads: readonly Payload[], version: 4 | 6): IpAddress | undefined {
  const value = attributeOf(payloads, REPLY, version)?.value;
  return value?.length === attributes[version].length ? addressFromBytes(value.subarray(0, version === 4 ? 4 : 16)) : undefined;
}
