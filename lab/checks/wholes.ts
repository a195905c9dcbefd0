/** What IP has cut up, put together as every interface that the pieces pass would do it (RFC 791 §3.2, RFC 8200 §4.5). */
import { isIpFragment, Reassembly } from '../../src/wire/reassembly.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';

/** The packet of this event; of a piece the whole, at the event that brought the last one; the piece itself where others are missing. */
export function wholePacket(trace: Trace, event: EventOf<'packet'>): Uint8Array {
  const { bytes } = event.body;
  if (!isIpFragment(bytes)) return bytes;
  const wholes = known.get(trace) ?? new Wholes(trace);
  known.set(trace, wholes);
  return wholes.of(event) ?? bytes;
}

const known = new WeakMap<Trace, Wholes>();

class Wholes {
  readonly #trace: Trace;
  readonly #interfaces = new Map<string, Reassembly>();
  /** By the number of the event that brought the last piece. */
  readonly #wholes = new Map<number, Uint8Array>();
  #read = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  of({ seq }: EventOf<'packet'>): Uint8Array | undefined {
    const packets = this.#trace.of('packet'); // it may have grown
    for (; this.#read < packets.length; this.#read++) this.#add(packets[this.#read]!);
    return this.#wholes.get(seq);
  }

  #add({ seq, at, node, body }: EventOf<'packet'>): void {
    if (!isIpFragment(body.bytes)) return;
    const place = `${node} ${body.interface} ${body.direction}`;
    const pieces = this.#interfaces.get(place) ?? new Reassembly();
    this.#interfaces.set(place, pieces);
    const { packet } = pieces.add(at, body.bytes);
    if (packet !== undefined) this.#wholes.set(seq, packet);
  }
}
