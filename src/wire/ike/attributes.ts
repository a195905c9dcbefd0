/** Data attributes as both versions write them (RFC 2408 §3.3, RFC 7296 §3.3.5). */
import type { Writer } from '../../core/bytes.ts';
import type { Fields } from './fields.ts';

/** `value` is a number in the short form (attribute format 1), octets in the long one. */
export interface DataAttribute {
  readonly type: number; // 15 bits
  readonly value: number | Uint8Array;
}

const shortForm = 0x8000; // the attribute format bit

/** `1 (1) | Type (15) | Value (16)`, or `0 (1) | Type (15) | Length (16) | Value`. */
export function readAttribute(body: Fields): DataAttribute {
  const head = body.u16('Attribute Type');
  const type = head & ~shortForm;
  if ((head & shortForm) !== 0) return { type, value: body.u16('Attribute Value') };
  return { type, value: body.bytes('Attribute Value', body.u16('Attribute Length')) };
}

/** As many as there are. */
export function readAttributes(body: Fields): readonly DataAttribute[] {
  const attributes: DataAttribute[] = [];
  while (body.remaining > 0) attributes.push(readAttribute(body));
  return attributes;
}

export function writeAttribute(out: Writer, { type, value }: DataAttribute): void {
  if (typeof value === 'number') out.u16(shortForm | type).u16(value);
  else out.u16(type).u16(value.length).bytes(value);
}
