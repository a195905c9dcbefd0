/** What the parts of the stack have in common: the two databases, and the way out. */
import type { Endpoint, IpAddress } from '../core/address.ts';
import type { DropReason } from '../core/drop.ts';
import { Queue } from '../core/queue.ts';
import { below, type Random } from '../core/random.ts';
import type { Duration } from '../core/time.ts';
import type { PfkeyDialect, System } from '../wire/pfkey/dialect.ts';
import { pfkeyDialects } from '../wire/pfkey/dialects.ts';
import { saTypes, type PfkeyBody, type PfkeyMessage } from '../wire/pfkey/message.ts';
import type { ChecksumRepair } from './checksum-repair.ts';
import { encapsulationRules, type EncapsulationRules } from './encapsulation-rules.ts';
import { NatKeepalives } from './nat-keepalive.ts';
import type { StackOutput } from './ports.ts';
import { encapsulationPorts, Sad, type Protocol, type Sa } from './sad.ts';
import { Spd } from './spd.ts';

export interface StackConfig {
  /** The host's outer addresses: an SA with one of them as its destination receives, any other one sends. */
  readonly addresses: readonly IpAddress[];
  /** For SPIs and CBC's initialization vectors. */
  readonly random: Random;
  /** What is done to the checksums of TCP and UDP that come out of transport mode through a NAT; what the system does, or `adjust`, when not said. */
  readonly checksumRepair?: ChecksumRepair;
  /** Whose PF_KEY it speaks and whose sockets it has. When not said: Linux' PF_KEY, and sockets by the RFCs. */
  readonly system?: System;
  /** How long an SA may be silent before a keepalive, where the stack sends them (illumos): 20 s when not said, at most 600. */
  readonly natKeepalive?: Duration | 'off';
}

export type { PfkeyBody };

/** sadb_msg_satype. */
export const saTypeOf: Readonly<Record<Protocol, number>> = { esp: saTypes.ESP, ah: saTypes.AH };

export class Kernel {
  readonly sad = new Sad();
  readonly spd = new Spd();
  readonly random: Random;
  readonly checksumRepair: ChecksumRepair;
  readonly dialect: PfkeyDialect;
  readonly rules: EncapsulationRules;
  readonly keepalives: NatKeepalives;
  /** SADB_REGISTER came: the daemon wants to hear of ACQUIRE. */
  registered = false;
  readonly #local: ReadonlySet<IpAddress>;
  readonly #outputs = new Queue<StackOutput>();
  #acquires = 0;
  #identification: number;

  constructor({ addresses, random, checksumRepair, system, natKeepalive = 'off' }: StackConfig) {
    this.#local = new Set(addresses);
    this.random = random;
    this.#identification = below(random.fork('identification'), 0xffff);
    this.dialect = pfkeyDialects[system ?? 'linux'];
    this.rules = encapsulationRules[system ?? 'rfc'];
    this.checksumRepair = checksumRepair ?? this.rules.checksumRepair;
    this.keepalives = new NatKeepalives(this, this.rules.stackMarks ? natKeepalive : 'off');
  }

  /** Whether packets to the address end here. */
  readonly isLocal = (address: IpAddress): boolean => this.#local.has(address);

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

  /** For an IPv4 header that AH covers: never 0, for which a real kernel would put another. */
  nextIdentification(): number {
    this.#identification = (this.#identification % 0xffff) + 1;
    return this.#identification;
  }

  /** The sequence of the next ACQUIRE: by it the daemon's later messages refer to it. */
  nextAcquire(): number {
    this.#acquires = (this.#acquires % 0xffff_ffff) + 1;
    return this.#acquires;
  }

  /** A message that answers none of the daemon's. */
  tell(type: PfkeyMessage['type'], protocol: Protocol, body: PfkeyBody, sequence = 0): void {
    this.say({ type, saType: saTypeOf[protocol], errno: 0, sequence, pid: 0, ...body });
  }

  /** As much of it as the system has words for. */
  say(message: PfkeyMessage): void {
    const said = this.dialect.reduced(message);
    if (said !== undefined) this.emit({ kind: 'pfkey', message: this.dialect.encode(said, this.isLocal) });
  }
}
