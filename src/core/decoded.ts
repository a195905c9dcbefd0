import type { DropReason } from './drop.ts';

/** What a decoder gives: the value, or why the bytes are refused. Decoders never throw. */
export type Decoded<Value> = { readonly ok: true; readonly value: Value } | Refusal;

export interface Refusal {
  readonly ok: false;
  readonly reason: DropReason;
  /** For people: which field, what it held. */
  readonly detail: string;
}

export const decoded = <Value>(value: Value): Decoded<Value> => ({ ok: true, value });
export const refused = (reason: DropReason, detail: string): Refusal => ({ ok: false, reason, detail });
