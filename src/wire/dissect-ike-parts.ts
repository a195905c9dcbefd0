/** What the trees of both versions' messages are made of: the chain of payloads, substructures, attributes (RFC 2408 §3, RFC 7296 §3). */
import { addressFromBytes } from '../core/address.ts';
import { fromUtf8 } from '../core/bytes.ts';
import { elsewhere, type Insight } from './insight.ts';
import { content, hex, leaf, number, sequence, type Row, type Tree } from './tree.ts';

export const headerLength = 28;

export const reserved = (at: number, length: number): Row => ['Reserved', at, length, hex];
export const text = (field: Uint8Array): string => (field.every((octet) => octet >= 0x20 && octet < 0x7f) ? `"${fromUtf8(field)}"` : content(field));
export const address = (field: Uint8Array): string => (field.length === 4 || field.length === 16 ? addressFromBytes(field) : content(field));
export const cookie = (field: Uint8Array): string => (field.every((octet) => octet === 0) ? 'none yet' : hex(field));

/** The payloads behind a header; each says which type the next one has, unless it `isLast`. */
export const payloadTrees = ({ message, isPart }: Known, base: number, isLast: (type: number) => boolean, tree: (type: number, payload: Uint8Array, at: number) => Tree): Tree[] =>
  chainTrees(message[16]!, message.subarray(headerLength), base + headerLength, isLast, tree, isPart);

/** A chain of payloads, the first of this type. */
export function chainTrees(first: number, chain: Uint8Array, base: number, isLast: (type: number) => boolean, tree: (type: number, payload: Uint8Array, at: number) => Tree, isPart?: boolean): Tree[] {
  let type = first;
  return sequence(chain, base, payloadLength, (payload, at) => {
    const found = type === 0 ? leaf('Behind the last payload', content(payload), at, at + payload.length) : tree(type, payload, at);
    type = isLast(type) ? 0 : payload[0]!;
    return found;
  }, isPart);
}

const payloadLength = (rest: Uint8Array): number => (rest.length < 4 || number(rest.subarray(2, 4)) < 4 ? NaN : number(rest.subarray(2, 4)));

/** What somebody knows of a message beyond its octets. */
export interface Known {
  readonly message: Uint8Array;
  readonly insight: Insight | undefined;
  /** The message goes on behind what is there of it. */
  readonly isPart?: boolean;
}

/** Where a hash of NAT detection fits, if that is known. */
export function fittingTrees({ message, insight }: Known, hash: Uint8Array, at: number, reference: string): Tree[] {
  const fits = insight?.natDetection(message, hash);
  return fits === undefined ? [] : [leaf('Fits', fits, at, at + hash.length, reference)];
}

/** What was inside a message: its payloads, or why it stays closed. */
export function openedTrees({ message, insight }: Known, at: number, to: number, reference: string, nameOf: (type: number) => string, tree: (type: number, payload: Uint8Array, at: number) => Tree): Tree[] {
  const inside = insight?.ike(message);
  if (inside === undefined) return [];
  if (typeof inside === 'string') return [leaf('Not decrypted', inside, at, to)];
  if ('share' in inside) return [elsewhere('Decrypted', inside.gathered, inside.share, 'RFC 7383 §2.6', [])];
  const { first, payloads, fragments } = inside;
  const [what, section] = fragments === undefined ? ['', reference] : [`put together from ${fragments} fragments, `, 'RFC 7383 §2.6'];
  return [elsewhere('Decrypted', `${what}the first payload ${nameOf(first)}`, payloads, section, chainTrees(first, payloads, 0, () => false, tree))];
}

/** What a decoder makes of this payload alone. */
export function alone(payload: Uint8Array): Uint8Array {
  const copy = payload.slice();
  copy[0] = 0; // the end of a chain of one
  return copy;
}

/** Proposals and transforms have 8 octets at least, and their length in the third and fourth (RFC 2408 §3.5, §3.6, RFC 7296 §3.3.1, §3.3.2). */
export const substructureLength = (rest: Uint8Array): number => (rest.length < 8 || number(rest.subarray(2, 4)) < 8 ? NaN : number(rest.subarray(2, 4)));

/** The short form holds its value in 16 bits, the long one says how long it is (RFC 2408 §3.3, RFC 7296 §3.3.5). */
export const attributeLength = (rest: Uint8Array): number => (rest.length < 4 ? NaN : rest[0]! & 0x80 ? 4 : 4 + number(rest.subarray(2, 4)));

/** Of a whole attribute: its type, and its value as a number or as octets. */
export function attributeOf(bytes: Uint8Array): { readonly type: number; readonly value: number | Uint8Array } {
  const short = (bytes[0]! & 0x80) !== 0;
  return { type: number(bytes.subarray(0, 2)) & 0x7fff, value: short ? number(bytes.subarray(2, 4)) : bytes.subarray(4) };
}
