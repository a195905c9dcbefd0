/** The inner addresses that a gateway gives to its clients, by whichever version of IKE they come (RFC 7296 §2.19; Mode Config). */
import { ipv4FromNumber, ipv4ToNumber, type IpAddress, type Prefix } from '../core/address.ts';
import { Queue } from '../core/queue.ts';

/** The network's own address and its broadcast address are not given out. */
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
