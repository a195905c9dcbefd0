/** Packets as trees, for people: every field with its name, its value, its place, and the section that defines it. */
import { toHex } from '../core/bytes.ts';

export interface Tree {
  readonly label: string;
  readonly value: string;
  /** Octets of the packet: the first, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** `RFC 791 §3.1` */
  readonly reference?: string;
  /** What was decrypted, or put together: places from here on inwards are those in these octets. */
  readonly plaintext?: Uint8Array;
  readonly children: readonly Tree[];
}

/** A line of a header's table: the field's name, where it begins in its structure, its octets (`Infinity`: all the rest), how its value reads. */
export type Row = readonly [label: string, at: number, octets: number, show: (field: Uint8Array) => string];

/** The fields of a structure that begins at octet `base` of the packet. What is cut off is said to be, and ends the list. */
export function fields(structure: Uint8Array, base: number, reference: string, rows: readonly Row[]): Tree[] {
  const trees: Tree[] = [];
  for (const [label, at, octets, show] of rows) {
    const end = octets === Infinity ? Math.max(at, structure.length) : at + octets;
    if (end > structure.length || (octets === Infinity && at > structure.length)) {
      trees.push(leaf(label, 'cut off', base + Math.min(at, structure.length), base + structure.length, reference));
      break;
    }
    trees.push(leaf(label, show(structure.subarray(at, end)), base + at, base + end, reference));
  }
  return trees;
}

export const leaf = (label: string, value: string, from: number, to: number, reference?: string): Tree => branch(label, value, from, to, reference, []);

export const branch = (label: string, value: string, from: number, to: number, reference: string | undefined, children: readonly Tree[]): Tree => ({
  label,
  value,
  from,
  to,
  ...(reference !== undefined && { reference }),
  children,
});

/** Structures one after the other, each of which says how long it is; one that lies about it ends the list, and so does one that goes on behind what is there of a `part`. */
export function sequence(bytes: Uint8Array, base: number, lengthOf: (rest: Uint8Array) => number, tree: (structure: Uint8Array, at: number, index: number) => Tree, isPart = false): Tree[] {
  const trees: Tree[] = [];
  for (let at = 0; at < bytes.length; ) {
    const rest = bytes.subarray(at);
    const length = lengthOf(rest);
    if (!(length > 0 && length <= rest.length)) {
      const [label, value] = isPart ? ['Cut short', `${octets(rest)} of it here`] : ['Malformed', `a length that does not fit, ${octets(rest)} left`];
      trees.push(leaf(label, value, base + at, base + bytes.length));
      break;
    }
    trees.push(tree(rest.subarray(0, length), base + at, trees.length));
    at += length;
  }
  return trees;
}

/** Up to 4 octets in network order. */
export const number = (field: Uint8Array): number => field.reduce((value, octet) => value * 256 + octet, 0);

export const decimal = (field: Uint8Array): string => String(number(field));
export const hex = (field: Uint8Array): string => `0x${toHex(field)}`;
export const octets = (field: Uint8Array): string => (field.length === 1 ? '1 octet' : `${field.length} octets`);

/** The octets themselves where they are few, else how many. */
export const content = (field: Uint8Array): string => (field.length === 0 ? 'nothing' : field.length <= 32 ? toHex(field) : octets(field));

/** Shows a number with its name from a table: `17 (UDP)`. */
export const named = (names: Readonly<Record<number, string>>) => (field: Uint8Array): string => withName(number(field), names);
export const withName = (value: number, names: Readonly<Record<number, string>>): string => (names[value] === undefined ? String(value) : `${value} (${names[value]})`);
