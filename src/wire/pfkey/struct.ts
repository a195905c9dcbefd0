/**
 * The structures of PF_KEY's header files, field by field. Integers stand in the order of the host, which here is little-endian whatever
 * machine the lab runs on; what the header files declare as __be16 and __be32 stands in network order (`net…`).
 */
import { Writer } from '../../core/bytes.ts';
import { malformed } from '../refusing.ts';

export class StructReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #name: string;
  #at = 0;

  /** `name` is what a refusal calls the structure. */
  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#name = name;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
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
    return new StructReader(this.bytes(length), `${this.#name}, ${name}`);
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

export class StructWriter {
  readonly #out = new Writer(256);

  get length(): number {
    return this.#out.length;
  }

  u8(value: number): this {
    this.#out.u8(value);
    return this;
  }

  u16(value: number): this {
    this.#out.u16(swapped16(value));
    return this;
  }

  u32(value: number): this {
    this.#out.u16(swapped16(value & 0xffff)).u16(swapped16(value >>> 16));
    return this;
  }

  u64(value: bigint): this {
    return this.u32(Number(value & 0xffff_ffffn)).u32(Number(value >> 32n));
  }

  net16(value: number): this {
    this.#out.u16(value);
    return this;
  }

  net32(value: number): this {
    this.#out.u32(value);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#out.bytes(bytes);
    return this;
  }

  zeros(length: number): this {
    this.#out.zeros(length);
    return this;
  }

  /** Fills up the last 64-bit word. */
  align(): this {
    return this.zeros(-this.length & 7);
  }

  u16At(at: number, value: number): this {
    this.#out.u16At(at, swapped16(value));
    return this;
  }

  finish(): Uint8Array {
    return this.#out.finish();
  }
}

const swapped16 = (value: number): number => ((value & 0xff) << 8) | (value >>> 8);
