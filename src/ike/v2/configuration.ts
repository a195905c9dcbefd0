/** The configuration payload: an inner address for a client (RFC 7296 §2.19, §3.15). */
import { addressBytes, addressFromBytes, type IpAddress } from '../../core/address.ts';
import { configurationAttributes, configurationTypes, type Payload } from '../../wire/ike/message.ts';

type ConfigurationPayload = Extract<Payload, { type: 'CP' }>;
const { REQUEST, REPLY } = configurationTypes;
const { INTERNAL_IP4_ADDRESS } = configurationAttributes;

/** CP(CFG_REQUEST): an IPv4 address, whichever (RFC 7296 §2.19: the value is empty). */
export const addressRequest: ConfigurationPayload = {
  type: 'CP', configuration: REQUEST, attributes: [{ type: INTERNAL_IP4_ADDRESS, value: new Uint8Array(0) }],
};

export const addressReply = (address: IpAddress): ConfigurationPayload => ({
  type: 'CP', configuration: REPLY, attributes: [{ type: INTERNAL_IP4_ADDRESS, value: addressBytes(address) }],
});

const attributeOf = (payloads: readonly Payload[], configuration: number): { readonly value: Uint8Array } | undefined =>
  payloads
    .find((payload): payload is ConfigurationPayload => payload.type === 'CP' && payload.configuration === configuration)
    ?.attributes.find(({ type }) => type === INTERNAL_IP4_ADDRESS);

/** Whether the client asks for an IPv4 address. */
export const asksForAddress = (payloads: readonly Payload[]): boolean => attributeOf(payloads, REQUEST) !== undefined;

/** The address that the gateway gave. */
export function givenAddress(payloads: readonly Payload[]): IpAddress | undefined {
  const value = attributeOf(payloads, REPLY)?.value;
  return value?.length === 4 ? addressFromBytes(value) : undefined;
}
