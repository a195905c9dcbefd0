/**
 * The structures of PF_KEY's header files, field by field. Integers stand in the order of the host, which here is little-endian whatever
 * machine the lab runs on; what the header files declare as __be16 and __be32 stands in network order (`net…`).
 */
import { malformed } from '../refusing.ts';

export class StructReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  readonly #end: number;
  #at: number;

  /** `name` is what a refusal calls the structure. A structure inside another reads from the same view. */
  constructor(bytes: Uint8Array, name: string, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = view;
    this.#name = name;
    this.#at = at;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  net16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  net32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** The next `length` octets as a structure of their own. */
  inner(name: string, length: number): StructReader {
    const at = this.#take(length);
    return new StructReader(this.#bytes, `${this.#name}, ${name}`, this.#view, at, at + length);
  }

  refuse(detail: string): never {
    return malformed('pfkey-malformed', `${this.#name}: ${detail}`);
  }

  /** Only what fills up the last 64-bit word may be left over. */
  end(): void {
    if (this.remaining >= 8) this.refuse(`${this.remaining} octets left over`);
  }

  #take(length: number): number {
    if (length < 0 || length > this.remaining) this.refuse(`cut off: ${length} octets wanted at ${this.#at}, ${this.remaining} there`);
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

/** Fields go into one view, each with one store. */
export class StructWriter {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  net16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value);
    return this;
  }

  net32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  zeros(length: number): this {
    this.#grow(length);
    return this;
  }

  /** Fills up the last 64-bit word. */
  align(): this {
    return this.zeros(-this.#length & 7);
  }

  u16At(at: number, value: number): this {
    this.#view.setUint16(at, value, true);
    return this;
  }

  /** What was written, in a buffer of its own. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room, and says where it begins. The buffer is looked at only afterwards: it may be another one by then. */
  #grow(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
