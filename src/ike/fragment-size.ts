/** How long an IKE message may be before it is cut up, and how long its pieces wait for one another, in either version of IKE. */
import { isIpv4, type Endpoint } from '../core/address.ts';
import { seconds } from '../core/time.ts';
import { ipv4HeaderLength } from '../wire/ipv4.ts';
import { ipv6HeaderLength } from '../wire/ipv6.ts';
import { nonEspMarker } from '../wire/natt.ts';
import { udpHeaderLength } from '../wire/udp.ts';
import type { ConnectionConfig } from './config.ts';

/** RFC 7383 §2.5.1, and MS-IKEE §3.3.6.1 for IKEv1: the whole IP datagram, which in these lengths gets through nearly everywhere. */
const usualDatagram = { ipv4: 576, ipv6: 1280 } as const;

/** How long an IKE message to this peer may be. The non-ESP marker is counted on either port: the same octets may go by the other one when they are sent again. */
export function longestMessage({ fragmentation = false }: ConnectionConfig, { address }: Endpoint): number {
  const [ipHeader, usual] = isIpv4(address) ? [ipv4HeaderLength, usualDatagram.ipv4] : [ipv6HeaderLength, usualDatagram.ipv6];
  const datagram = typeof fragmentation === 'number' ? fragmentation : usual;
  return datagram - ipHeader - udpHeaderLength - nonEspMarker.length;
}

/** No message is longer than this, whole or in fragments: SK has a 16-bit length, and so has UDP. */
export const mostOctets = 0xffff;

/** A message that does not become whole is kept no longer; who sends it sends it again. */
export const fragmentPatience = seconds(30);
