/** Which of its outside addresses a box gives to whom (RFC 4787 §4.1). Addresses are signed numbers: see `NumericEndpoint`. */
import type { MappedProtocol } from '../core/events.ts';
import type { AddressPool } from './behaviour.ts';
import type { Flow } from './flow.ts';
import type { NumericEndpoint, RowFields } from './table.ts';

export class OutsideAddresses {
  readonly #pool: AddressPool;
  #addresses: readonly number[];
  /** Which address each inside host has, as long as it has mappings. */
  readonly #paired = new Map<number, number>();
  readonly #hosts = new Map<number, number>();
  #turn = 0;

  constructor(pool: AddressPool, addresses: readonly number[]) {
    this.#pool = pool;
    this.#addresses = addresses;
  }

  has(address: number): boolean {
    return this.#addresses.includes(address);
  }

  /** The one that the box itself speaks from. */
  get first(): number {
    return this.#addresses[0]!;
  }

  /** The first address is another one from now on; gives the old one. */
  moveTo(address: number): number {
    const [old, ...others] = this.#addresses as [number, ...number[]];
    this.#addresses = [address, ...others];
    for (const [host, paired] of this.#paired) if (paired === old) this.release(host);
    return old;
  }

  /** As after a start. */
  forget(): void {
    this.#turn = 0;
  }

  /** Where a new mapping may stand, the best address first. */
  candidates(flow: Flow): readonly number[] {
    if (this.#addresses.length === 1) return this.#addresses;
    const line = this.#lineOf(flow.protocol, flow.destination);
    if (line !== undefined) return this.#addresses.slice(line, line + 1);
    const { source } = flow;
    switch (this.#pool.pooling) {
      case 'paired': {
        const paired = this.#paired.get(source.address);
        return paired === undefined ? this.#addresses.toSorted((a, b) => this.#hostsAt(a) - this.#hostsAt(b)) : [paired];
      }
      case 'arbitrary':
        return this.#addresses.map((_, i, all) => all[(this.#turn + i) % all.length]!);
    }
  }

  /** A new mapping from inside stands at one of them. */
  taken({ protocol, inside: { address: host }, outside: { address }, remote }: RowFields): void {
    if (this.#addresses.length === 1 || this.#lineOf(protocol, remote) !== undefined) return;
    this.#turn = (this.#addresses.indexOf(address) + 1) % this.#addresses.length;
    if (this.#pool.pooling !== 'paired' || this.#paired.has(host)) return;
    this.#paired.set(host, address);
    this.#hosts.set(address, this.#hostsAt(address) + 1);
  }

  /** The host has no mapping any more. */
  release(host: number): void {
    const address = this.#paired.get(host);
    if (address === undefined) return;
    this.#paired.delete(host);
    this.#hosts.set(address, this.#hostsAt(address) - 1);
  }

  /** Whose address the remote port alone decides. */
  #lineOf(protocol: MappedProtocol, remote: NumericEndpoint): number | undefined {
    return protocol === 'udp' ? this.#pool.byRemotePort[remote.port] : undefined;
  }

  #hostsAt(address: number): number {
    return this.#hosts.get(address) ?? 0;
  }
}
