/** The classic format (draft-ietf-opsawg-pcap §4, §5): a header, then records, in either byte order, with micro- or nanoseconds. */
import { longestFrame } from './frame.ts';
import type { Format, Place, Step } from './frame.ts';

/** By magic number in the file's own byte order: what a unit of the fraction of a second is in nanoseconds, how long a record's header is. */
const variants: ReadonlyMap<number, { readonly unit: bigint; readonly recordHeader: number }> = new Map([
  [0xa1b2c3d4, { unit: 1000n, recordHeader: 16 }],
  [0xa1b23c4d, { unit: 1n, recordHeader: 16 }],
  [0xa1b2cd34, { unit: 1000n, recordHeader: 24 }], // Kuznetzov's: interface, protocol and packet type stand behind the lengths
]);

const headerLength = 24;
/** Above it stand the bits about the frame check sequence (§4). */
const linkTypeMask = 0xffff;

/** The first four octets; undefined when they are another format's. */
export function pcapByteOrder(magic: number): 'big' | 'little' | undefined {
  if (variants.has(magic)) return 'big';
  return variants.has(swapped(magic)) ? 'little' : undefined;
}

const swapped = (word: number): number => (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;

export class Pcap implements Format {
  readonly #little: boolean;
  #variant = { unit: 1000n, recordHeader: 16 };
  #place: Place | undefined;
  #frames = 0;

  constructor(byteOrder: 'big' | 'little') {
    this.#little = byteOrder === 'little';
  }

  step(bytes: DataView): Step {
    return this.#place === undefined ? this.#header(bytes) : this.#record(bytes, this.#place);
  }

  #header(bytes: DataView): Step {
    if (bytes.byteLength < headerLength) return { kind: 'more', octets: headerLength };
    this.#variant = variants.get(bytes.getUint32(0, this.#little))!;
    this.#place = { section: 1, interface: 0, linkType: bytes.getUint32(20, this.#little) & linkTypeMask };
    return { kind: 'taken', octets: headerLength, items: [] };
  }

  #record(bytes: DataView, place: Place): Step {
    const { unit, recordHeader } = this.#variant;
    if (bytes.byteLength < recordHeader) return { kind: 'more', octets: recordHeader };
    const [seconds, fraction, length, originalLength] = [0, 4, 8, 12].map((at) => bytes.getUint32(at, this.#little)) as [number, number, number, number];
    if (length > longestFrame) return { kind: 'broken', why: `a packet that claims to have ${length} octets` };
    const octets = recordHeader + length;
    if (bytes.byteLength < octets) return { kind: 'more', octets };
    const at = BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * unit;
    const frame = { number: ++this.#frames, at, place, bytes: new Uint8Array(bytes.buffer, bytes.byteOffset + recordHeader, length), originalLength, comments: [] };
    return { kind: 'taken', octets, items: [{ kind: 'frame', frame }] };
  }
}
