/** What somebody who knows more than the octets of one packet can tell of it: keys, and what was seen before. */
import { branch, octets, type Tree } from './tree.ts';

export interface Insight {
  /** What an encrypted IKE message says: the chain of payloads, the type of its first; in words why it stays closed; undefined without keys. */
  ike(message: Uint8Array): { readonly first: number; readonly payloads: Uint8Array } | string | undefined;
  /** What an ESP packet carries. */
  esp(packet: Uint8Array): { readonly nextHeader: number; readonly payload: Uint8Array } | undefined;
  /** For which address and port a hash of NAT detection in this message would fit; in words. */
  natDetection(message: Uint8Array, hash: Uint8Array): string | undefined;
}

/** A tree of plaintext: the places of its parts are those in `plaintext`. */
export const opened = (label: string, value: string, plaintext: Uint8Array, reference: string, children: readonly Tree[]): Tree => ({
  ...branch('Decrypted', `${octets(plaintext)}, ${label.toLowerCase()} ${value}`, 0, plaintext.length, reference, children),
  plaintext: true,
});
