import { malformed } from '../refusing.ts';

/** The tags that certificates and names have (ITU-T X.690 §8). */
export const tags = {
  boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, utf8String: 0x0c, printableString: 0x13, ia5String: 0x16,
  utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31, version: 0xa0, extensions: 0xa3,
} as const;

/** One element of DER: its content, and the whole of it with tag and length. */
export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly encoded: Uint8Array;
}

/** The elements that stand one after the other, under `refusing`: tags of one octet, lengths definite and as short as can be (X.690 §10.1). */
export function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { start, length } = lengthAt(bytes, at + 1);
    if (start + length > bytes.length) malformed('certificate-malformed', `an element of ${length} octets where ${bytes.length - start} are left`);
    found.push({ tag: bytes[at]!, content: bytes.subarray(start, start + length), encoded: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return found;
}

/** The elements inside one that must have this tag; `what` is its name for a refusal. */
export function inside(element: Element | undefined, tag: number, what: string): Element[] {
  return elements(contentOf(element, tag, what));
}

/** The content of an element that must have this tag. */
export function contentOf(element: Element | undefined, tag: number, what: string): Uint8Array {
  if (element?.tag !== tag) return malformed('certificate-malformed', `${what}: tag ${element === undefined ? 'none' : hex(element.tag)} where ${hex(tag)} belongs`);
  return element.content;
}

/** An element of these parts, one after the other. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const lengthOctets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >>> 8, length & 0xff];
  if (length > 0xffff) throw new RangeError(`${length} octets in one element`);
  return Uint8Array.from([tag, ...lengthOctets, ...parts.flatMap((part) => [...part])]);
}

/** `2.5.4.3` for 55 04 03 (X.690 §8.19). */
export function oidText(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of content) {
    arc = arc * 0x80 + (octet & 0x7f);
    if (!Number.isSafeInteger(arc)) malformed('certificate-malformed', 'an object identifier beyond all numbers');
    if ((octet & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first, ...rest] = arcs;
  if (first === undefined || (content.at(-1)! & 0x80) !== 0) return malformed('certificate-malformed', 'an object identifier that does not end');
  const root = Math.min(Math.trunc(first / 40), 2);
  return [root, first - 40 * root, ...rest].join('.');
}

/** The content of an object identifier written in digits and dots; for code and configuration, throws on what is none. */
export function oidContent(text: string): Uint8Array {
  const [root, second, ...rest] = text.split('.').map(Number);
  if (!/^[0-2](\.\d+)+$/.test(text) || root === undefined || second === undefined) throw new TypeError(`not an object identifier: ${text}`);
  return Uint8Array.from([40 * root + second, ...rest].flatMap(base128));
}

function base128(arc: number): number[] {
  const octets = [arc % 0x80];
  for (let left = Math.trunc(arc / 0x80); left > 0; left = Math.trunc(left / 0x80)) octets.unshift(0x80 | left % 0x80);
  return octets;
}

/** The length octets at `at`, and where what they measure begins. */
function lengthAt(bytes: Uint8Array, at: number): { start: number; length: number } {
  const first = bytes[at];
  if (first === undefined || (bytes[at - 1]! & 0x1f) === 0x1f) return malformed('certificate-malformed', 'an element cut off, or with a tag of many octets');
  if (first < 0x80) return { start: at + 1, length: first };
  const octets = bytes.subarray(at + 1, at + 1 + (first & 0x7f));
  const length = octets.reduce((sum, octet) => sum * 0x100 + octet, 0);
  if (octets.length !== (first & 0x7f) || octets.length === 0 || octets.length > 4 || octets[0] === 0 || length < 0x80) malformed('certificate-malformed', 'a length that is not DER');
  return { start: at + 1 + octets.length, length };
}

const hex = (tag: number): string => `0x${tag.toString(16).padStart(2, '0')}`;
