/**
 * PPTP (RFC 2637), as far as a box must follow it: its GRE has no ports, and what comes in bears the client's call ID, which only the control connection to TCP
 * 1723 has told. Call IDs that two clients chose alike are changed there and in GRE.
 */
import { setU16, u16At, u32At } from '../core/bytes.ts';
import type { Side } from '../core/events.ts';
import { adjusted } from '../wire/checksum.ts';
import { ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { tcpAt } from '../wire/tcp.ts';

export const pptpPort = 1723;

/** RFC 2637 §1.4: `Length (16) | Message Type (16) | Magic Cookie (32) | Control Message Type (16) | Reserved0 (16)`. */
const messageAt = { length: 0, type: 2, magic: 4, control: 8 } as const;
const headerLength = 12;
const magicCookie = 0x1a2b3c4d;
const controlMessage = 1;

/** Where messages of either direction name the inside host's call ID (§2.7, §2.8, §2.12, §2.14, §2.15), and which one brings a new one. */
const callIds: Record<Side, Readonly<Record<number, { readonly name: string; readonly at: number; readonly isNew?: true }>>> = {
  inside: {
    7: { name: 'Outgoing-Call-Request', at: 12, isNew: true },
    12: { name: 'Call-Clear-Request', at: 12 },
  },
  outside: {
    8: { name: 'Outgoing-Call-Reply', at: 14 },
    14: { name: 'WAN-Error-Notify', at: 12 },
    15: { name: 'Set-Link-Info', at: 12 },
  },
};

/** Goes through the messages of a whole TCP segment that came from a side; `translate` says what a call ID of the inside becomes, undefined to leave it. */
export function translateCallIds(from: Side, packet: Uint8Array, translate: (callId: number, isNew: boolean) => number | undefined): void {
  const tcp = ipv4HeaderLengthOf(packet);
  const checksumAt = tcp + tcpAt.checksum;
  let at = tcp + (packet[tcp + tcpAt.dataOffset]! >>> 4) * 4;
  while (at + headerLength <= packet.length && u32At(packet, at + messageAt.magic) === magicCookie) {
    const length = u16At(packet, at + messageAt.length);
    if (length < headerLength || at + length > packet.length || u16At(packet, at + messageAt.type) !== controlMessage) return;
    const found = callIds[from][u16At(packet, at + messageAt.control)];
    if (found !== undefined && found.at + 2 <= length) {
      const before = u16At(packet, at + found.at);
      const after = translate(before, found.isNew === true);
      if (after !== undefined && after !== before) {
        setU16(packet, at + found.at, after);
        // a field at an odd octet of the segment counts with its octets swapped (RFC 1071 §2)
        const [m, n] = (at + found.at - tcp) % 2 === 0 ? [before, after] : [swapped(before), swapped(after)];
        setU16(packet, checksumAt, adjusted(u16At(packet, checksumAt), m, n));
      }
    }
    at += length;
  }
}

const swapped = (word: number): number => ((word & 0xff) << 8) | (word >>> 8);
