/** What shares UDP port 4500: ESP, IKE behind a marker, keepalives (RFC 3948 §2). */
import { concat, sameBytes, u32At } from '../core/bytes.ts';
import { espHeaderLength } from './esp.ts';

/** RFC 3948 §2.2: four zero octets where ESP has its SPI, which is never zero. */
export const nonEspMarker: Uint8Array = Uint8Array.of(0, 0, 0, 0);

/** ESP in UDP on port 500, behind what stands where IKE has its initiator's cookie, which is never zero (draft-ietf-ipsec-udp-encaps-00 §2). */
export const nonIkeMarker: Uint8Array = new Uint8Array(8);

/** RFC 3948 §2.3: a single octet of all ones. */
export const natKeepalive: Uint8Array = Uint8Array.of(0xff);

export const isNatKeepalive = (payload: Uint8Array): boolean => payload.length === 1 && payload[0] === natKeepalive[0];

/** What a datagram on an encapsulation port is. Two octets 0xFF are not a keepalive; less than a marker, or than an ESP header, is nothing. */
export function classifyNatt(payload: Uint8Array): 'keepalive' | 'ike' | 'esp' | 'too-short' {
  if (isNatKeepalive(payload)) return 'keepalive';
  if (payload.length < nonEspMarker.length) return 'too-short';
  if (u32At(payload, 0) === 0) return 'ike';
  return payload.length < espHeaderLength ? 'too-short' : 'esp';
}

/** An IKE message as it travels on port 4500. */
export const withMarker = (message: Uint8Array): Uint8Array => concat(nonEspMarker, message);

/** The IKE message behind the marker; only of a payload that `classifyNatt` calls IKE. */
export const stripMarker = (payload: Uint8Array): Uint8Array => payload.subarray(nonEspMarker.length);

/** What a datagram on IKE's own port is: with drafts 00 and 01 ESP and keepalives go there, too. */
export function classifyIkePort(payload: Uint8Array): 'keepalive' | 'ike' | 'esp' {
  if (isNatKeepalive(payload)) return 'keepalive';
  return sameBytes(payload.subarray(0, nonIkeMarker.length), nonIkeMarker) ? 'esp' : 'ike';
}
