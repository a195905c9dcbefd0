/** Payloads one after the other, each behind the generic header that both versions have (RFC 2408 §3.2, RFC 7296 §3.2). */
import type { Writer } from '../../core/bytes.ts';
import type { Fields } from './fields.ts';
import { fitting } from './header.ts';

const payloadHeaderLength = 4;

export interface Link {
  readonly type: number;
  readonly next: number;
  /** IKEv2's critical bit and seven reserved ones; RESERVED in IKEv1. */
  readonly flags: number;
  readonly body: Uint8Array;
}

/**
 * `Next Payload (8) | flags (8) | Payload Length (16)` and a body, until a payload says that none follows, or one comes that `isLast`, whose Next
 * Payload belongs to what is inside it. What is left over stays in `fields`. `nameOf` says of a type what people call it.
 */
export function readChain(fields: Fields, first: number, nameOf: (type: number) => string, isLast: (type: number) => boolean = () => false): readonly Link[] {
  const links: Link[] = [];
  let type = first;
  while (type !== 0) {
    const name = nameOf(type);
    const next = fields.u8(`${name}'s Next Payload`);
    const flags = fields.u8(`${name}'s flags`);
    const body = fields.bytes(`${name} (Payload Length)`, fields.u16(`${name}'s Payload Length`) - payloadHeaderLength);
    links.push({ type, next, flags, body });
    type = isLast(type) ? 0 : next;
  }
  return links;
}

/** One payload with its generic header. */
export function writeLink(out: Writer, next: number, flags: number, name: string, writeBody: () => void): void {
  const at = out.length;
  out.u8(next).u8(flags).u16(0);
  writeBody();
  out.u16At(at + 2, fitting(out.length - at, name));
}
