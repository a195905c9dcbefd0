/** What the parts of the stack have in common: the two databases, and the way out. */
import type { Endpoint, IpAddress } from '../core/address.ts';
import type { DropReason } from '../core/drop.ts';
import { Queue } from '../core/queue.ts';
import type { Random } from '../core/random.ts';
import { encodePfkey } from '../wire/pfkey/linux.ts';
import { saTypes, type PfkeyMessage } from '../wire/pfkey/message.ts';
import type { ChecksumRepair } from './checksum-repair.ts';
import type { StackOutput } from './ports.ts';
import { encapsulationPorts, Sad, type Sa } from './sad.ts';
import { Spd } from './spd.ts';

export interface StackConfig {
  /** The host's outer addresses: an SA with one of them as its destination receives, any other one sends. */
  readonly addresses: readonly IpAddress[];
  /** For SPIs and CBC's initialization vectors. */
  readonly random: Random;
  /** What is done to the checksums of TCP and UDP that come out of transport mode through a NAT; `adjust` when not said. */
  readonly checksumRepair?: ChecksumRepair;
}

/** A message without what the stack's own ones have in common. */
export type PfkeyBody = Omit<PfkeyMessage, 'type' | 'saType' | 'errno' | 'sequence' | 'pid'>;

export class Kernel {
  readonly sad = new Sad();
  readonly spd = new Spd();
  readonly random: Random;
  readonly checksumRepair: ChecksumRepair;
  /** SADB_REGISTER came: the daemon wants to hear of ACQUIRE. */
  registered = false;
  readonly #local: ReadonlySet<IpAddress>;
  readonly #outputs = new Queue<StackOutput>();
  #acquires = 0;

  constructor({ addresses, random, checksumRepair = 'adjust' }: StackConfig) {
    this.#local = new Set(addresses);
    this.random = random;
    this.checksumRepair = checksumRepair;
  }

  /** Whether packets to the address end here. */
  isLocal(address: IpAddress): boolean {
    return this.#local.has(address);
  }

  emit(output: StackOutput): void {
    this.#outputs.push(output);
  }

  poll(): StackOutput | undefined {
    return this.#outputs.shift();
  }

  drop(reason: DropReason, detail: string, bytes: Uint8Array, peer?: Endpoint): void {
    this.emit({ kind: 'event', event: { kind: 'drop', reason, detail, bytes, ...(peer && { peer }) } });
  }

  inner(direction: 'protected' | 'delivered' | 'bypassed', spi: number, bytes: Uint8Array): void {
    this.emit({ kind: 'event', event: { kind: 'inner', direction, spi, bytes } });
  }

  /** What became of an SA, with its story for people. */
  saEvent(kind: 'sa-added' | 'sa-updated' | 'sa-deleted' | 'sa-expired', sa: Sa, story: string): void {
    this.emit({ kind: 'event', event: { kind, spi: sa.spi, source: sa.source, destination: sa.destination, encapsulation: encapsulationPorts(sa), story } });
  }

  /** The sequence of the next ACQUIRE: by it the daemon's later messages refer to it. */
  nextAcquire(): number {
    this.#acquires = (this.#acquires % 0xffff_ffff) + 1;
    return this.#acquires;
  }

  /** A message that answers none of the daemon's. */
  tell(type: PfkeyMessage['type'], body: PfkeyBody, sequence = 0): void {
    this.emit({ kind: 'pfkey', message: encodePfkey({ type, saType: saTypes.ESP, errno: 0, sequence, pid: 0, ...body }) });
  }
}
