/** The proposals in an SA payload and the transforms in a proposal, whose heads both versions have alike (RFC 2408 §3.5, §3.6, RFC 7296 §3.3.1, §3.3.2). */
import type { Writer } from '../../core/bytes.ts';
import type { Fields } from './fields.ts';

/** What the first octet says while more follow: the type of the next one, which IKEv2 calls Last Substruc. In the last it is 0. */
const more = { proposal: 2, transform: 3 } as const;

/** `Last Substruc (8) | RESERVED (8) | Length (16)`, one or more up to the end of `body`; `read` gets what follows, up to that length. */
export function readSubstructures<Value>(body: Fields, kind: keyof typeof more, read: (substructure: Fields) => Value): readonly Value[] {
  const values: Value[] = [];
  do {
    const last = body.u8('Last Substruc');
    body.u8('RESERVED');
    const length = body.u16(`${kind === 'proposal' ? 'Proposal' : 'Transform'} Length`);
    values.push(read(body.inner(`${kind} ${values.length + 1}`, length - 4)));
    const expected = body.remaining > 0 ? more[kind] : 0;
    if (last !== expected) body.refuse(`Last Substruc is ${last} where ${expected} belongs`);
  } while (body.remaining > 0);
  return values;
}

export function writeSubstructures<Value>(out: Writer, kind: keyof typeof more, values: readonly Value[], write: (value: Value) => void): void {
  for (const [i, value] of values.entries()) {
    const at = out.length;
    out.u8(i + 1 < values.length ? more[kind] : 0).zeros(3);
    write(value);
    out.u16At(at + 2, out.length - at);
  }
}
