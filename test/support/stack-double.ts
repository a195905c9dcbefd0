/** A stand-in for the IPsec stack: answers PF_KEY as src/ipsec/README.md says, and remembers what it was told. No packets. */
import type { IpAddress } from '../../src/core/address.ts';
import { decodePfkey, encodePfkey } from '../../src/wire/pfkey/linux.ts';
import { pfkeyErrors, type PfkeyMessage } from '../../src/wire/pfkey/message.ts';

export class StackDouble {
  readonly heard: PfkeyMessage[] = [];
  /** Mature SAs by SPI and destination. */
  readonly sas = new Map<string, PfkeyMessage>();
  readonly policies = new Map<string, PfkeyMessage>();
  readonly #larval = new Set<string>();
  /** Last use in whole seconds, rounded up, by SPI. */
  readonly used = new Map<number, number>();
  #nextSpi: number;

  constructor(firstSpi: number) {
    this.#nextSpi = firstSpi;
  }

  handle(bytes: Uint8Array): Uint8Array {
    const decoded = decodePfkey(bytes);
    if (!decoded.ok) throw new Error(decoded.detail);
    const message = decoded.value;
    this.heard.push(message);
    return encodePfkey(this.#answer(message));
  }

  /** How many SAs, either direction. */
  get size(): number {
    return this.sas.size;
  }

  get larval(): number {
    return this.#larval.size;
  }

  to(destination: IpAddress): PfkeyMessage[] {
    return [...this.sas.values()].filter((sa) => sa.destination?.address === destination);
  }

  of(type: PfkeyMessage['type']): PfkeyMessage[] {
    return this.heard.filter((message) => message.type === type);
  }

  #answer(message: PfkeyMessage): PfkeyMessage {
    const { encryptionKey, authKey, ...rest } = message;
    const refusal = (errno: number): PfkeyMessage => ({ ...rest, errno });
    const key = `${message.sa?.spi ?? 0} ${message.destination?.address ?? ''}`;
    switch (message.type) {
      case 'SADB_GETSPI': {
        const sa = { spi: this.#nextSpi++, replay: 0, state: 0, auth: 0, encrypt: 0, flags: 0 };
        this.#larval.add(`${sa.spi} ${message.destination!.address}`);
        return { ...rest, sa };
      }
      case 'SADB_UPDATE': {
        if (encryptionKey !== undefined) {
          if (!this.#larval.delete(key)) return refusal(pfkeyErrors.ESRCH);
          this.sas.set(key, message);
          return rest;
        }
        const sa = this.sas.get(key);
        if (sa === undefined || sa.source?.address !== message.source?.address) return refusal(pfkeyErrors.ESRCH);
        const { newSource, newDestination, nattSourcePort, nattDestinationPort } = message;
        const moved = { ...sa, source: newSource ?? sa.source!, destination: newDestination ?? sa.destination!, ...(nattSourcePort === undefined ? {} : { nattSourcePort }), ...(nattDestinationPort === undefined ? {} : { nattDestinationPort }) };
        this.sas.delete(key);
        this.sas.set(`${sa.sa!.spi} ${moved.destination.address}`, moved);
        return rest;
      }
      case 'SADB_ADD':
        if (this.sas.has(key)) return refusal(pfkeyErrors.EEXIST);
        if (encryptionKey === undefined && authKey === undefined) return refusal(pfkeyErrors.EINVAL);
        this.sas.set(key, message);
        return rest;
      case 'SADB_DELETE':
        return this.sas.delete(key) || this.#larval.delete(key) ? rest : refusal(pfkeyErrors.ESRCH);
      case 'SADB_GET': {
        const sa = this.sas.get(key);
        if (sa === undefined) return refusal(pfkeyErrors.ESRCH);
        return { ...sa, type: 'SADB_GET', sequence: message.sequence, pid: message.pid, lifetimeCurrent: { allocations: 0, bytes: 0n, addtime: 0n, usetime: BigInt(this.used.get(sa.sa!.spi) ?? 0) } };
      }
      case 'SADB_X_SPDADD':
      case 'SADB_X_SPDUPDATE':
        if (message.type === 'SADB_X_SPDADD' && this.policies.has(policyKey(message))) return refusal(pfkeyErrors.EEXIST);
        this.policies.set(policyKey(message), message);
        return rest;
      case 'SADB_X_SPDDELETE':
        return this.policies.delete(policyKey(message)) ? rest : refusal(pfkeyErrors.ENOENT);
      default:
        return rest;
    }
  }
}

const policyKey = ({ policy, source, destination }: PfkeyMessage): string =>
  `${policy!.direction} ${source!.address}/${source!.prefixLength}:${source!.port} ${destination!.address}/${destination!.prefixLength}:${destination!.port} ${source!.protocol}`;
