/** The inner addresses that a gateway gives to its clients, by whichever version of IKE they come (RFC 7296 §2.19; Mode Config). */
import { isIpv4, nthAddress, type IpAddress, type Prefix } from '../core/address.ts';
import { Queue } from '../core/queue.ts';
import type { ConnectionConfig } from './config.ts';

/** The network's own address and IPv4's broadcast address are not given out. */
export class AddressPool {
  readonly #block: Prefix;
  readonly #last: number;
  readonly #returned = new Queue<IpAddress>();
  readonly #given = new Set<IpAddress>();
  /** Counted from the beginning of the block. */
  #next: number;

  constructor(block: Prefix) {
    const bits = isIpv4(block.address) ? 32 : 128;
    const size = 2 ** (bits - block.length);
    this.#block = block;
    this.#next = size > 2 ? 1 : 0;
    this.#last = size > 2 && bits === 32 ? size - 2 : size - 1;
  }

  /** Undefined when all are in use (INTERNAL_ADDRESS_FAILURE). */
  take(): IpAddress | undefined {
    const address = this.#returned.shift() ?? (this.#next <= this.#last ? nthAddress(this.#block, this.#next++) : undefined);
    if (address !== undefined) this.#given.add(address);
    return address;
  }

  giveBack(address: IpAddress): void {
    if (this.#given.delete(address)) this.#returned.push(address);
  }
}

/** Of which version of IP inner addresses are: that of the pool, or of the networks that the client wants to reach. */
export function innerVersion({ virtualAddress, child }: Pick<ConnectionConfig, 'virtualAddress' | 'child'>): 4 | 6 {
  const blocks = typeof virtualAddress === 'object' ? [virtualAddress.pool] : child.remote;
  return blocks.some((block) => block !== 'dynamic' && !isIpv4(block.address)) ? 6 : 4;
}
