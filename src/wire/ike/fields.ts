import { OutOfBytes, Reader } from '../../core/bytes.ts';
import type { DropReason } from '../../core/drop.ts';
import { malformed } from '../refusing.ts';

/** A Reader that knows where it stands and what each field is called, so that a refusal can say what was missing. */
export class Fields {
  readonly #reader: Reader;
  readonly #where: string;
  readonly #reason: DropReason;

  constructor(bytes: Uint8Array, where: string, reason: DropReason) {
    this.#reader = new Reader(bytes);
    this.#where = where;
    this.#reason = reason;
  }

  get remaining(): number {
    return this.#reader.remaining;
  }

  u8(field: string): number {
    return this.#named(field, () => this.#reader.u8());
  }

  u16(field: string): number {
    return this.#named(field, () => this.#reader.u16());
  }

  u32(field: string): number {
    return this.#named(field, () => this.#reader.u32());
  }

  bytes(field: string, length: number): Uint8Array {
    return this.#named(field, () => this.#reader.bytes(length));
  }

  rest(): Uint8Array {
    return this.#reader.rest();
  }

  /** The next `length` octets as a structure of their own. */
  inner(what: string, length: number): Fields {
    return new Fields(this.bytes(what, length), `${this.#where}, ${what}`, this.#reason);
  }

  /** Refuses for what a field holds. */
  refuse(detail: string): never {
    return malformed(this.#reason, `${this.#where}: ${detail}`);
  }

  /** Nothing may be left over. */
  end(): void {
    if (this.remaining > 0) this.refuse(`${this.remaining} octets left over`);
  }

  #named<Value>(field: string, read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      if (error instanceof OutOfBytes) this.refuse(`${field} is cut off: ${error.message}`);
      throw error;
    }
  }
}
