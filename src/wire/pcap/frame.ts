/** What a capture file holds, whichever format it has. */

/** Where frames were captured: an interface of a section; a pcap file has one of each. */
export interface Place {
  /** From 1. A pcapng file may be several captures behind one another. */
  readonly section: number;
  /** What its header's comment says. */
  readonly sectionTitle?: string;
  /** From 0, within its section. */
  readonly interface: number;
  readonly name?: string;
  readonly linkType: number;
}

export interface Frame {
  /** From 1, through all sections, as Wireshark counts. */
  readonly number: number;
  /** Nanoseconds, mostly since 1970. */
  readonly at: bigint;
  readonly place: Place;
  /** Whether it came in there or went out, where the file says so. */
  readonly direction?: 'in' | 'out';
  /** A view of what was pushed: who keeps it copies it. */
  readonly bytes: Uint8Array;
  /** Longer than `bytes` where the capture was told to cut. */
  readonly originalLength: number;
  readonly comments: readonly string[];
}

export type CaptureItem =
  | { readonly kind: 'frame'; readonly frame: Frame }
  /** Nothing was captured there after this instant, though somebody listened. */
  | { readonly kind: 'listened-until'; readonly place: Place; readonly at: bigint }
  /** The file is no good from this octet on. What came before is as good as ever. */
  | { readonly kind: 'damaged'; readonly offset: number; readonly why: string; readonly how: 'empty' | 'no-capture' | 'cut-off' | 'broken' };

/** What a format makes of the octets at hand. */
export type Step =
  /** So many octets are wanted in all. */
  | { readonly kind: 'more'; readonly octets: number }
  /** So many octets are done with, whether they are here yet or not. */
  | { readonly kind: 'taken'; readonly octets: number; readonly items: readonly CaptureItem[] }
  | { readonly kind: 'broken'; readonly why: string };

/** Reads one block or record after the other. */
export interface Format {
  step(bytes: DataView): Step;
}

/** libpcap's own bound for a packet; what claims to be longer is not where a record begins. */
export const longestFrame = 262_144;
