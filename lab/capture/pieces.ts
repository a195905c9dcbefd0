/** Packets that came in pieces of IP, put together at each place by itself: what is lost on the way is missing behind it, not before. */
import type { Instant } from '../../src/core/time.ts';
import type { Frame } from '../../src/wire/pcap/frame.ts';
import { Reassembly } from '../../src/wire/reassembly.ts';
import { Bounded } from './bounded.ts';
import { takeApart } from './packet.ts';
import type { TakenApart } from './packet.ts';

export interface Whole {
  readonly ip: Uint8Array;
  readonly packet: TakenApart;
}

/** When a piece passed, and where. */
export type Passing = Pick<Frame, 'at'> & { readonly place: Pick<Frame['place'], 'section' | 'interface'> };

/** So many places, and so many octets that wait for others at each. */
const [mostPlaces, mostOctets] = [64, 1 << 18];

export class Pieces {
  readonly #reassemblies = new Bounded<string, Reassembly>(mostPlaces);

  /** The packet of which this piece was the last one missing. */
  add({ at, place: { section, interface: number } }: Passing, piece: Uint8Array): Whole | undefined {
    const place = `${section} ${number}`;
    let reassembly = this.#reassemblies.get(place);
    if (reassembly === undefined) this.#reassemblies.set(place, (reassembly = new Reassembly(mostOctets)));
    const ip = reassembly.add(Number(at / 1_000_000n) as Instant, piece).packet;
    const packet = ip && takeApart(ip);
    return packet && { ip, packet };
  }
}
