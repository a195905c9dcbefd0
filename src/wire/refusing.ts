import { decoded, refused } from '../core/decoded.ts';
import type { Decoded } from '../core/decoded.ts';
import type { DropReason } from '../core/drop.ts';

/** Thrown deep inside a decoder where the bytes break a rule, caught by `refusing`: it never leaves src/wire. */
class Malformed extends Error {
  readonly reason: DropReason;

  constructor(reason: DropReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Runs a decoder; a rule that the bytes break becomes a refusal. */
export function refusing<Value>(decode: () => Value): Decoded<Value> {
  try {
    return decoded(decode());
  } catch (error) {
    if (error instanceof Malformed) return refused(error.reason, error.message);
    throw error;
  }
}

/** Stops the decoder that runs under `refusing`. */
export function malformed(reason: DropReason, detail: string): never {
  throw new Malformed(reason, detail);
}
