/** The programs of two hosts, with nothing between them but what a test puts there. */
import { ip, type IpAddress } from '../../src/core/address.ts';
import type { DropEvent, ProgramEvent } from '../../src/core/events.ts';
import { drain } from '../../src/core/machine.ts';
import { seeded } from '../../src/core/random.ts';
import { start, type Instant } from '../../src/core/time.ts';
import { Programs } from '../../src/host/programs.ts';
import type { ProgramCommand } from '../../src/host/ports.ts';
import type { ProgramOutput } from '../../src/host/services.ts';
import type { ChecksumTrust } from '../../src/ipsec/checksum-repair.ts';

export const here = ip('192.168.1.2');
export const there = ip('198.51.100.2');

type Told = ProgramEvent | DropEvent;

export interface Path {
  /** What becomes of a packet on its way; undefined when it is lost. */
  readonly carry?: (packet: Uint8Array, from: IpAddress) => Uint8Array | undefined;
  readonly checksum?: ChecksumTrust;
}

/** A client at `here` and a server at `there`; time goes from wake-up to wake-up. */
export class TwoPrograms {
  readonly client: Programs;
  readonly server: Programs;
  readonly told: { readonly client: Told[]; readonly server: Told[] } = { client: [], server: [] };
  /** Every packet that either has sent. */
  readonly sent: Uint8Array[] = [];
  now: Instant = start;
  readonly #path: Path;

  constructor(path: Path = {}, addresses: readonly [IpAddress, IpAddress] = [here, there]) {
    this.#path = path;
    this.client = new Programs(() => addresses[0], seeded(1));
    this.server = new Programs(() => addresses[1], seeded(2));
  }

  /** Has the client do something and lets the two talk until neither has more to say. */
  command(command: ProgramCommand): this {
    this.client.handle(this.now, command);
    return this.settle();
  }

  until(at: number): this {
    for (let wake = this.client.nextWake(); wake !== undefined && wake.at <= at; wake = this.client.nextWake()) {
      this.now = wake.at;
      this.client.wake(this.now);
      this.settle();
    }
    this.now = at as Instant;
    return this;
  }

  settle(): this {
    for (;;) {
      const fromClient = drain(this.client);
      const fromServer = drain(this.server);
      if (fromClient.length + fromServer.length === 0) return this;
      this.#carry(fromClient, this.told.client, here, this.server);
      this.#carry(fromServer, this.told.server, there, this.client);
    }
  }

  #carry(outputs: readonly ProgramOutput[], told: Told[], from: IpAddress, to: Programs): void {
    for (const output of outputs) {
      if (output.kind === 'event') {
        told.push(output.event);
        continue;
      }
      this.sent.push(output.packet);
      const { carry, checksum = 'to be verified' } = this.#path;
      const arrived = carry === undefined ? output.packet : carry(output.packet, from);
      if (arrived !== undefined) to.take(this.now, arrived, checksum);
    }
  }
}

/** The last octet of a packet bent: data, which only the checksum of TCP or UDP covers. */
export function bent(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  copy[copy.length - 1]! ^= 1;
  return copy;
}
