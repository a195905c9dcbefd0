/** IKE as a box sees it that looks into UDP: where a message stands in a packet, and whose it is. */
import { toHex, u32At } from '../core/bytes.ts';
import { espHeaderLength } from '../wire/esp.ts';
import { headerLength as ikeHeaderLength } from '../wire/ike/header.ts';
import { ipv4At, ipv4HeaderLengthOf } from '../wire/ipv4.ts';
import { classifyNatt, nonEspMarker } from '../wire/natt.ts';
import { protocols } from '../wire/protocols.ts';
import { udpHeaderLength } from '../wire/udp.ts';
import type { Flow } from './flow.ts';

/** The port of IKE; on the other one, or behind any source port that became of it, stands a marker in front (RFC 3948 §2.2). */
const ikePort = 500;

/** What tells the clients of one server apart that share an outside endpoint. */
export type Discriminator =
  /** IKE's initiator SPI, which IKEv1 calls the initiator's cookie: the same in both directions. Hex. */
  | { readonly kind: 'cookie'; readonly cookie: string }
  /** ESP's or AH's SPI: another one in each direction. */
  | { readonly kind: 'spi'; readonly spi: number }
  /** Nothing: a keepalive, or what is neither. */
  | { readonly kind: 'none' };

const none: Discriminator = { kind: 'none' };

/** Of a packet of the flow, or of as much of it as an ICMP error quotes. */
export function discriminatorOf(flow: Pick<Flow, 'protocol' | 'source' | 'destination'>, packet: Uint8Array): Discriminator {
  const payload = packet.subarray(ipv4HeaderLengthOf(packet));
  switch (flow.protocol) {
    case 'esp':
      return payload.length < 4 ? none : { kind: 'spi', spi: u32At(payload, 0) };
    case 'ah':
      return payload.length < 8 ? none : { kind: 'spi', spi: u32At(payload, 4) };
    case 'udp':
      return inUdp(flow, payload.subarray(udpHeaderLength));
    default:
      return none;
  }
}

function inUdp({ source, destination }: Pick<Flow, 'source' | 'destination'>, payload: Uint8Array): Discriminator {
  if (source.port === ikePort || destination.port === ikePort) return cookieAt(payload, 0);
  switch (classifyNatt(payload)) {
    case 'ike':
      return cookieAt(payload, nonEspMarker.length);
    case 'esp':
      return payload.length < espHeaderLength ? none : { kind: 'spi', spi: u32At(payload, 0) };
    default:
      return none;
  }
}

const cookieAt = (payload: Uint8Array, at: number): Discriminator => (payload.length < at + 8 ? none : { kind: 'cookie', cookie: toHex(payload.subarray(at, at + 8)) });

/** The whole IKE message that a UDP packet to or from port 500 carries, as a view; undefined where it carries none. */
export function ikeMessageIn({ protocol, source, destination }: Pick<Flow, 'protocol' | 'source' | 'destination'>, packet: Uint8Array): Uint8Array | undefined {
  if (protocol !== 'udp' || packet[ipv4At.protocol] !== protocols.udp || (source.port !== ikePort && destination.port !== ikePort)) return undefined;
  const message = packet.subarray(ipv4HeaderLengthOf(packet) + udpHeaderLength);
  return message.length < ikeHeaderLength ? undefined : message;
}
