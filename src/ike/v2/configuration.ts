/** The configuration payload: an inner address for a client, out of the gateway's pool (RFC 7296 §2.19, §3.15). */
import { addressBytes, addressFromBytes, ipv4FromNumber, ipv4ToNumber, type IpAddress, type Prefix } from '../../core/address.ts';
import { Queue } from '../../core/queue.ts';
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

/** The inner addresses of a gateway's clients. The network's own address and its broadcast address are not given out. */
export class AddressPool {
  readonly #last: number;
  readonly #returned = new Queue<IpAddress>();
  readonly #given = new Set<IpAddress>();
  #next: number;

  constructor({ address, length }: Prefix) {
    const first = ipv4ToNumber(address);
    const size = 2 ** (32 - length);
    const reserved = size > 2 ? 1 : 0;
    this.#next = first + reserved;
    this.#last = first + size - 1 - reserved;
  }

  /** Undefined when all are in use (INTERNAL_ADDRESS_FAILURE). */
  take(): IpAddress | undefined {
    const address = this.#returned.shift() ?? (this.#next <= this.#last ? ipv4FromNumber(this.#next++) : undefined);
    if (address !== undefined) this.#given.add(address);
    return address;
  }

  giveBack(address: IpAddress): void {
    if (this.#given.delete(address)) this.#returned.push(address);
  }
}
