/** PF_KEYv2 messages to bytes and back in the dialect of Linux (RFC 2367 §2, linux/pfkeyv2.h). */
import type { Decoded } from '../../core/decoded.ts';
import { malformed, refusing } from '../refusing.ts';
import { extensions } from './extensions.ts';
import type { Extension, Extensions } from './extensions.ts';
import { pfkeyTypes } from './message.ts';
import type { PfkeyMessage, PfkeyType } from './message.ts';
import { StructReader, StructWriter } from './struct.ts';

const pfkeyVersion = 2;
const headerLength = 16;
const extensionHeaderLength = 4;

const typeNames: ReadonlyMap<number, PfkeyType> = new Map((Object.keys(pfkeyTypes) as PfkeyType[]).map((name) => [pfkeyTypes[name], name]));

const rows = Object.entries(extensions) as [keyof Extensions, Extension<unknown>][];
const byNumber: ReadonlyMap<number, readonly [keyof Extensions, Extension<unknown>]> = new Map(rows.map((row) => [row[1].number, row]));

/**
 * RFC 2367 §2.1, then the extensions in the order of their numbers, each filled up to 64-bit words:
 * ```
 *   u8 version | u8 type | u8 errno | u8 satype | u16 length in words | u16 reserved | u32 sequence | u32 pid
 *   u16 length in words | u16 type | …
 * ```
 * Throws for what has no place in its field, an empty key say, and for a field that Linux has no extension for: that is a bug of the caller's.
 */
export function encodePfkey(message: PfkeyMessage): Uint8Array {
  if (message.nattOriginalSource !== undefined || message.nattOriginalDestination !== undefined) throw new RangeError('Linux has one original address, not one for each end');
  const out = new StructWriter();
  out.u8(pfkeyVersion).u8(pfkeyTypes[message.type]).u8(message.errno).u8(message.saType).u16(0).u16(0).u32(message.sequence).u32(message.pid);
  for (const [field, extension] of rows) {
    const value = message[field];
    if (value === undefined) continue;
    const at = out.length;
    out.u16(0).u16(extension.number);
    extension.write(out, value);
    out.align().u16At(at, (out.length - at) / 8);
  }
  return out.u16At(4, out.length / 8).finish();
}

/**
 * A whole message. Extensions that the dialect has and the lab does not (identities, proposals, security contexts) are passed over, as Linux does with
 * numbers that it does not know. Refuses as `pfkey-malformed` another version, an unknown type, a length that is not that of the bytes, and an extension
 * of no length, too long, too short for its structure, or there twice.
 */
export function decodePfkey(bytes: Uint8Array): Decoded<PfkeyMessage> {
  return refusing(() => {
    const message = new StructReader(bytes, 'PF_KEY message');
    const version = message.u8();
    if (version !== pfkeyVersion) message.refuse(`version ${version}`);
    const typeNumber = message.u8();
    const type = typeNames.get(typeNumber) ?? message.refuse(`type ${typeNumber}`);
    const errno = message.u8();
    const saType = message.u8();
    const length = message.u16() * 8;
    if (length < headerLength || length !== bytes.length) message.refuse(`length is ${length} octets, ${bytes.length} there`);
    message.skip(2);
    const sequence = message.u32();
    const pid = message.u32();
    return { type, saType, errno, sequence, pid, ...readExtensions(message) };
  });
}

function readExtensions(message: StructReader): Extensions {
  const found: Partial<Record<keyof Extensions, unknown>> = {};
  while (message.remaining > 0) {
    const length = message.u16() * 8;
    const number = message.u16();
    const row = byNumber.get(number);
    const name = row?.[0] ?? `extension ${number}`;
    if (number === 0 || length === 0) message.refuse(`${name} of ${length} octets`);
    const body = message.inner(name, length - extensionHeaderLength);
    if (row === undefined) continue;
    const [field, extension] = row;
    if (field in found) malformed('pfkey-malformed', `${field} is there twice`);
    found[field] = extension.read(body);
    body.end();
  }
  return found as Extensions;
}
