/** What somebody who knows more than the octets of one packet can tell of it: keys, and what was seen before. */
import { branch, octets, type Tree } from './tree.ts';

/** What was inside an encrypted IKE message. */
export type Inside =
  /** The chain of payloads, the type of its first; put together where it was in `fragments`. */
  | { readonly first: number; readonly payloads: Uint8Array; readonly fragments?: number }
  /** A fragment's share, which says nothing by itself, and in words what is there and what is not. */
  | { readonly share: Uint8Array; readonly gathered: string };

export interface Insight {
  /** What an encrypted IKE message says; in words why it stays closed; undefined without keys. */
  ike(message: Uint8Array): Inside | string | undefined;
  /** IKEv1 is cut up as it stands: the whole message, where this piece of it was the last one missing; in words what is there else. */
  together(message: Uint8Array): Uint8Array | string | undefined;
  /** What an ESP packet carries. */
  esp(packet: Uint8Array): { readonly nextHeader: number; readonly payload: Uint8Array } | undefined;
  /** For which address and port a hash of NAT detection in this message would fit; in words. */
  natDetection(message: Uint8Array, hash: Uint8Array): string | undefined;
}

/** A tree of octets that are not those of the packet but were `Decrypted`, or `Put together`: the places of its parts are those in `bytes`. */
export const elsewhere = (label: 'Decrypted' | 'Put together', says: string, bytes: Uint8Array, reference: string, children: readonly Tree[]): Tree => ({
  ...branch(label, `${octets(bytes)}, ${says}`, 0, bytes.length, reference, children),
  plaintext: bytes,
});
