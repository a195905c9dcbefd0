/** The frame that all systems have in common (RFC 2367 §2.1, §2.2): a header, then extensions, each filled up to 64-bit words. */
import { malformed } from '../refusing.ts';
import type { Extension } from './extensions.ts';
import { StructReader, StructWriter } from './struct.ts';

/** As it stands on the wire; `satype` is the instance of the SPD and `reserved` the diagnostic where the header is illumos's spd_msg. */
export interface FrameHeader {
  readonly version: number;
  readonly type: number;
  readonly errno: number;
  readonly satype: number;
  readonly reserved: number;
  readonly sequence: number;
  readonly pid: number;
}

/** The extensions of a system by the names that they have here, in the order of its header file, which is that of their numbers. */
export type ExtensionTable<Extensions> = { readonly [Name in keyof Extensions]-?: Extension<NonNullable<Extensions[Name]>> };

/** What to do about an extension that breaks a rule, in place of refusing the whole message. */
export type OnBadExtension<Extensions> = (name: keyof Extensions, fault: 'duplicate' | 'malformed') => boolean;

const headerLength = 16;
const extensionHeaderLength = 4;

/**
 * ```
 *   u8 version | u8 type | u8 errno | u8 satype | u16 length in words | u16 reserved | u32 sequence | u32 pid
 *   u16 length in words | u16 type | …
 * ```
 * Throws for what has no place in its field, an empty key say: that is a bug of the caller's.
 */
export function encodeFrame<Extensions extends object>({ version, type, errno, satype, reserved, sequence, pid }: FrameHeader, extensions: Extensions, table: ExtensionTable<Extensions>): Uint8Array {
  const out = new StructWriter();
  out.u8(version).u8(type).u8(errno).u8(satype).u16(0).u16(reserved).u32(sequence).u32(pid);
  for (const [name, extension] of rowsOf(table)) {
    const value = extensions[name];
    if (value === undefined) continue;
    const at = out.length;
    out.u16(0).u16(extension.number);
    extension.write(out, value);
    out.align().u16At(at, (out.length - at) / 8);
  }
  return out.u16At(4, out.length / 8).finish();
}

/** Whom a message is from, or for: 0 is the stack. Of a whole header. */
export const pidOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(12, true);

/** The header's version octet, as far as there is one: some systems speak several protocols by the same frame. */
export const versionOf = (bytes: Uint8Array): number | undefined => bytes[0];

/**
 * A whole message, to be read under `refusing`. Extensions that the table has not are passed over, as the systems do with numbers that they do not know.
 * Refuses as `pfkey-malformed` another version, a length that is not that of the bytes, and an extension of no length, too long, too short for its
 * structure, or there twice; the latter two unless `bad` takes them upon itself.
 */
export function decodeFrame<Extensions extends object>(bytes: Uint8Array, wantedVersion: number, table: ExtensionTable<Extensions>, bad: OnBadExtension<Extensions> = () => false): { readonly header: FrameHeader; readonly extensions: Extensions } {
  const message = new StructReader(bytes, 'PF_KEY message');
  const version = message.u8();
  if (version !== wantedVersion) message.refuse(`version ${version}`);
  const type = message.u8();
  const errno = message.u8();
  const satype = message.u8();
  const length = message.u16() * 8;
  if (length < headerLength || length !== bytes.length) message.refuse(`length is ${length} octets, ${bytes.length} there`);
  const header = { version, type, errno, satype, reserved: message.u16(), sequence: message.u32(), pid: message.u32() };
  return { header, extensions: readExtensions(message, table, bad) };
}

function readExtensions<Extensions extends object>(message: StructReader, table: ExtensionTable<Extensions>, bad: OnBadExtension<Extensions>): Extensions {
  const byNumber = indexOf(table);
  const found: Partial<Record<keyof Extensions, unknown>> = {};
  while (message.remaining > 0) {
    const length = message.u16() * 8;
    const number = message.u16();
    const row = byNumber.get(number);
    const name = row === undefined ? `extension ${number}` : String(row[0]);
    if (number === 0 || length === 0) message.refuse(`${name} of ${length} octets`);
    const body = message.inner(name, length - extensionHeaderLength);
    if (row === undefined) continue;
    const [field, extension] = row;
    if (field in found) {
      if (bad(field, 'duplicate')) continue;
      malformed('pfkey-malformed', `${name} is there twice`);
    }
    try {
      const value = extension.read(body);
      body.end();
      found[field] = value;
    } catch (error) {
      if (!bad(field, 'malformed')) throw error;
    }
  }
  return found as Extensions;
}

type Row<Extensions> = readonly [keyof Extensions, Extension<unknown>];

const rowsOf = <Extensions>(table: ExtensionTable<Extensions>): readonly Row<Extensions>[] => Object.entries(table) as unknown as readonly Row<Extensions>[];

const indexes = new WeakMap<object, ReadonlyMap<number, Row<object>>>();

/** A table by number, made once. */
function indexOf<Extensions extends object>(table: ExtensionTable<Extensions>): ReadonlyMap<number, Row<Extensions>> {
  const known = indexes.get(table) as ReadonlyMap<number, Row<Extensions>> | undefined;
  if (known !== undefined) return known;
  const index = new Map(rowsOf(table).map((row) => [row[1].number, row]));
  indexes.set(table, index as unknown as ReadonlyMap<number, Row<object>>);
  return index;
}
