/** What stands in front of the IP packet, by the type of the link (tcpdump.org's list of link types). */
import { u16At, u32At } from '../../core/bytes.ts';

/** The IP packet of a frame; undefined where it carries something else, or is too short to tell. */
type Unwrap = (frame: Uint8Array) => Uint8Array | undefined;

const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, provider: 0x88a8, qInQ: 0x9100, pppoe: 0x8864 } as const;
const pppProtocols: ReadonlySet<number> = new Set([0x0021, 0x0057]); // IPv4, IPv6

/** Behind an EtherType that stands at `at`, however many VLAN tags there are. */
function behindEtherType(frame: Uint8Array, at: number): Uint8Array | undefined {
  for (let typeAt = at; typeAt + 2 <= frame.length; ) {
    const type = u16At(frame, typeAt);
    switch (type) {
      case etherTypes.ipv4:
      case etherTypes.ipv6:
        return frame.subarray(typeAt + 2);
      case etherTypes.vlan:
      case etherTypes.provider:
      case etherTypes.qInQ:
        typeAt += 4;
        break;
      case etherTypes.pppoe: // 6 octets of session, then PPP
        return typeAt + 10 <= frame.length && pppProtocols.has(u16At(frame, typeAt + 8)) ? frame.subarray(typeAt + 10) : undefined;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** A word says the address family, as the capturing system numbers it and in its byte order: 2 is IPv4, all these are IPv6. */
const families: ReadonlySet<number> = new Set([2, 10, 24, 28, 30]);
const loopback: Unwrap = (frame) => {
  if (frame.length < 4) return undefined;
  const word = u32At(frame, 0);
  return families.has(word) || families.has(word >>> 24) ? frame.subarray(4) : undefined;
};

const raw: Unwrap = (frame) => frame;

/** PPP, with the address and control octets of HDLC or without. */
const ppp: Unwrap = (frame) => {
  const at = frame[0] === 0xff && frame[1] === 0x03 ? 2 : 0;
  return frame.length >= at + 2 && pppProtocols.has(u16At(frame, at)) ? frame.subarray(at + 2) : undefined;
};

interface LinkType {
  readonly name: string;
  readonly unwrap: Unwrap;
}

export const linkTypes: Readonly<Record<number, LinkType>> = {
  0: { name: 'BSD loopback', unwrap: loopback },
  1: { name: 'Ethernet', unwrap: (frame) => behindEtherType(frame, 12) },
  9: { name: 'PPP', unwrap: ppp },
  12: { name: 'raw IP', unwrap: raw },
  14: { name: 'raw IP', unwrap: raw },
  50: { name: 'PPP in HDLC', unwrap: ppp },
  101: { name: 'raw IP', unwrap: raw },
  108: { name: 'OpenBSD loopback', unwrap: loopback },
  113: { name: 'Linux cooked capture', unwrap: (frame) => behindEtherType(frame, 14) },
  228: { name: 'raw IPv4', unwrap: raw },
  229: { name: 'raw IPv6', unwrap: raw },
  276: { name: 'Linux cooked capture v2', unwrap: (frame) => (frame.length < 20 ? undefined : behindSll2(frame)) },
};

/** The protocol comes first, the packet behind 20 octets; what is tagged begins with its tag. */
function behindSll2(frame: Uint8Array): Uint8Array | undefined {
  const type = u16At(frame, 0);
  if (type === etherTypes.ipv4 || type === etherTypes.ipv6) return frame.subarray(20);
  return type === etherTypes.vlan ? behindEtherType(frame, 22) : undefined;
}

/** What a cooked header tells besides the packet: whether the machine has sent it, and by which of its interfaces, as far as the version says. */
export interface Cooked {
  readonly direction?: 'in' | 'out';
  /** The kernel's number, from 1. */
  readonly interface?: number;
}

/** Of captures on "any" interface, where one packet passes several. Nothing of other link types. */
export function cookedOf(linkType: number, frame: Uint8Array): Cooked {
  if (linkType === 113 && frame.length >= 2) return { ...directionOf(u16At(frame, 0)) };
  return linkType === 276 && frame.length >= 11 ? { ...directionOf(frame[10]!), interface: u32At(frame, 4) } : {};
}

/** To us, to everybody, to a group; by somebody to somebody else says neither; by us. */
const directionOf = (type: number): Cooked => (type <= 2 ? { direction: 'in' } : type === 4 ? { direction: 'out' } : {});

/** Others that people meet, to be told by name. */
const others: Readonly<Record<number, string>> = { 105: 'IEEE 802.11', 127: 'IEEE 802.11 with radiotap', 147: 'private', 189: 'USB on Linux', 201: 'Bluetooth', 220: 'USB on Linux', 249: 'USB on Windows', 253: 'Netlink' };

/** `Ethernet`, `type 105 (IEEE 802.11)`. */
export const linkTypeName = (linkType: number): string => linkTypes[linkType]?.name ?? `type ${linkType}${others[linkType] === undefined ? '' : ` (${others[linkType]})`}`;

export const isReadable = (linkType: number): boolean => linkTypes[linkType] !== undefined;

/** The IP packet in a frame of a link type that is readable; undefined where there is none. */
export function ipPacketOf(linkType: number, frame: Uint8Array): Uint8Array | undefined {
  const packet = linkTypes[linkType]?.unwrap(frame);
  const version = packet === undefined || packet.length === 0 ? 0 : packet[0]! >>> 4;
  return version === 4 || version === 6 ? packet : undefined;
}
