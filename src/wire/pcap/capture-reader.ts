/** Reads a capture of either format, piece by piece as it comes: never more of it is held than one block. No octets make it throw. */
import { concat, toHex, u32At } from '../../core/bytes.ts';
import type { CaptureItem, Format } from './frame.ts';
import { Pcap, pcapByteOrder } from './pcap.ts';
import { blockTypes, Pcapng } from './pcapng.ts';

export class CaptureReader {
  #format: Format | undefined;
  #pending: Uint8Array = new Uint8Array(0);
  /** Where `#pending` begins in the file. */
  #offset = 0;
  /** Octets that are still to come and that nobody wants. */
  #skip = 0;
  #ended = false;

  /** What the next piece of the file completes, in order. Behind `damaged` there is nothing more. */
  *push(chunk: Uint8Array): Generator<CaptureItem> {
    if (this.#ended) return;
    const skipped = Math.min(this.#skip, chunk.length);
    this.#skip -= skipped;
    this.#offset += skipped;
    const rest = chunk.subarray(skipped);
    let bytes = this.#pending.length === 0 ? rest : concat(this.#pending, rest);
    while (bytes.length >= 4) {
      this.#format ??= formatOf(u32At(bytes, 0));
      if (this.#format === undefined) {
        yield this.#damaged('no-capture', `it begins with ${toHex(bytes.subarray(0, 4))}, as neither pcap nor pcapng does`);
        return;
      }
      const step = this.#format.step(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
      if (step.kind === 'more') break;
      if (step.kind === 'broken') {
        yield this.#damaged('broken', step.why);
        return;
      }
      this.#skip = Math.max(0, step.octets - bytes.length);
      this.#offset += Math.min(step.octets, bytes.length);
      bytes = bytes.subarray(step.octets);
      yield* step.items;
    }
    this.#pending = bytes;
  }

  /** The file has ended: whether it did so between two blocks. */
  *end(): Generator<CaptureItem> {
    if (this.#ended) return;
    const wanting = this.#pending.length + this.#skip > 0;
    if (this.#format === undefined) yield wanting ? this.#damaged('no-capture', `it has ${this.#pending.length} octets`) : this.#damaged('empty', 'it has no octets');
    else if (wanting) yield this.#damaged('cut-off', 'the last block is not all there');
    this.#ended = true;
  }

  #damaged(how: Extract<CaptureItem, { kind: 'damaged' }>['how'], why: string): CaptureItem {
    this.#ended = true;
    return { kind: 'damaged', offset: this.#offset, how, why };
  }
}

function formatOf(magic: number): Format | undefined {
  if (magic === blockTypes.sectionHeader) return new Pcapng();
  const order = pcapByteOrder(magic);
  return order && new Pcap(order);
}
