/**
 * Clients of one server that share an outside endpoint: a pinned port, or ESP, which has none. What comes from the server is told apart by what boxes that are
 * aware of IPsec look at.
 *
 * - IKE by the initiator's SPI (in IKEv1 the cookie), which stands in the messages of both directions. It is learned from what goes out. A rekey of the IKE SA
 *   has new SPIs that the box cannot see coming, for they are agreed upon under encryption: if the client speaks first under them the box learns them, if the server
 *   does the box knows nobody, and the association is lost until the client speaks.
 * - ESP and AH by SPIs that are another in each direction. Only those that go out can be seen with their client; the first unknown one that comes in is taken
 *   to be the answer to the newest unanswered one that went out. Two clients who negotiate at once can be given each other's.
 */
import { refused, type Refusal } from '../core/decoded.ts';
import type { PinnedPorts } from './behaviour.ts';
import type { Discriminator } from './ike-on-the-wire.ts';
import type { MappingTable, NumericEndpoint, Row } from './table.ts';

/** So many SPIs of each kind are remembered of a client; a rekey adds one. */
const most = 16;

/** What the box has learned of one client: the newest last. */
interface Learned {
  readonly cookies: string[];
  readonly sent: number[];
  readonly received: number[];
  /** When it last spoke, and last sent under an SPI that was new, counted in packets; 0 for one that has been answered. */
  spokeAt: number;
  newSpiAt: number;
}

export class Crowd {
  readonly #table: MappingTable;
  readonly #unknownCookie: PinnedPorts['unknownCookie'];
  readonly #learned = new Map<Row, Learned>();
  #packets = 0;

  constructor(table: MappingTable, unknownCookie: PinnedPorts['unknownCookie']) {
    this.#table = table;
    this.#unknownCookie = unknownCookie;
  }

  /** A packet of the row went out. */
  spoke(row: Row, by: Discriminator): void {
    const learned = this.#learned.get(row) ?? { cookies: [], sent: [], received: [], spokeAt: 0, newSpiAt: 0 };
    this.#learned.set(row, learned);
    learned.spokeAt = ++this.#packets;
    if (by.kind === 'cookie') learn(learned.cookies, by.cookie);
    if (by.kind === 'spi' && learn(learned.sent, by.spi)) learned.newSpiAt = this.#packets;
  }

  /** The row is gone, and what was learned of its client. */
  left(row: Row): void {
    this.#learned.delete(row);
  }

  /** Whose of the rows a packet from the server is. An SPI that is new is known from now on. */
  addressee(box: string, rows: readonly Row[], by: Discriminator): Row | Refusal | undefined {
    switch (by.kind) {
      case 'cookie':
        return (
          rows.find((row) => this.#of(row).cookies.includes(by.cookie)) ??
          (this.#unknownCookie === 'to-last-speaker' ? this.#latest(rows, 'spokeAt') : undefined) ??
          refused('nat-unknown-spi', `${box} tells its IKE clients apart by their SPIs, and none has sent ${by.cookie}`)
        );
      case 'spi': {
        const known = rows.find((row) => this.#of(row).received.includes(by.spi));
        if (known) return known;
        const waiting = this.#latest(rows, 'newSpiAt');
        if (waiting === undefined) return refused('nat-unknown-spi', `${box} does not know SPI 0x${by.spi.toString(16)}, and no client waits for one that is new`);
        learn(this.#of(waiting).received, by.spi);
        this.#of(waiting).newSpiAt = 0;
        return waiting;
      }
      case 'none':
        return this.#latest(rows, 'spokeAt');
    }
  }

  /** Whose a packet was that went out, by what an ICMP error quotes of it. */
  sender(rows: readonly Row[], by: Discriminator): Row | undefined {
    if (by.kind === 'cookie') return rows.find((row) => this.#of(row).cookies.includes(by.cookie));
    return by.kind === 'spi' ? rows.find((row) => this.#of(row).sent.includes(by.spi)) : this.#latest(rows, 'spokeAt');
  }

  /** The clients that share an outside endpoint towards a server. */
  at(protocol: Row['protocol'], outside: NumericEndpoint, remote: NumericEndpoint): readonly Row[] {
    if (this.#learned.size === 0) return nobody;
    return Array.from(this.#table.at(protocol, outside)).filter((row) => row.crowded && row.remote.address === remote.address && row.remote.port === remote.port);
  }

  #of(row: Row): Learned {
    return this.#learned.get(row)!;
  }

  #latest(rows: readonly Row[], when: 'spokeAt' | 'newSpiAt'): Row | undefined {
    let latest: Row | undefined;
    for (const row of rows) if (this.#of(row)[when] > (latest === undefined ? 0 : this.#of(latest)[when])) latest = row;
    return latest;
  }
}

const nobody: readonly Row[] = [];

/** Whether it is new. The oldest gives way. */
function learn<Spi>(known: Spi[], spi: Spi): boolean {
  if (known.includes(spi)) return false;
  if (known.length === most) known.shift();
  known.push(spi);
  return true;
}
