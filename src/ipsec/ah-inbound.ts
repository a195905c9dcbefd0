/** From AH to the packet that it vouches for, or to a drop that says what was changed (RFC 4302 §3.4, RFC 4301 §5.2). */
import type { IpAddress } from '../core/address.ts';
import { decoded, refused, type Decoded, type Refusal } from '../core/decoded.ts';
import type { Instant } from '../core/time.ts';
import { ahFixedLength, ahLength, decodeAh } from '../wire/ah.ts';
import { decodeIp, type IpPacket } from '../wire/ip.ts';
import { ipv6At } from '../wire/ipv6.ts';
import { protocols } from '../wire/protocols.ts';
import { admit } from './admission.ts';
import { coveredFields, isAuthentic, readdressed, takenOut, type AhKeying } from './ah.ts';
import { account, endsByUse } from './expiry.ts';
import type { Kernel } from './kernel.ts';
import { originalAddresses } from './pfkey-association.ts';
import { describeSpi, type EstablishedSa } from './sad.ts';
import type { Carried } from './transport.ts';

/** An authentic packet, with the SA it came by. */
interface Vouched {
  readonly sa: EstablishedSa;
  readonly sequence: number;
  readonly ip: IpPacket;
  readonly carried: Carried;
}

/** `packet` is a whole IP packet, put together again where it came in fragments. */
export function receiveAh(kernel: Kernel, now: Instant, packet: Uint8Array): void {
  const vouched = verify(kernel, packet);
  const refusal = vouched.ok ? deliver(kernel, now, packet, vouched.value) : vouched;
  if (refusal !== undefined) kernel.drop(refusal.reason, refusal.detail, packet);
}

/** Nothing but an SA that has reached its end changes before the packet has proven authentic. */
function verify(kernel: Kernel, packet: Uint8Array): Decoded<Vouched> {
  const ip = decodeIp(packet);
  if (!ip.ok) return ip;
  const { version, destination, fragment, protocol, payload } = ip.value;
  if (fragment !== undefined) return refused('ah-malformed', 'a fragment, which AH does not vouch for (RFC 4302 §3.4.1)');
  if (protocol !== protocols.ah || (version === 6 && packet[ipv6At.nextHeader] !== protocols.ah)) return refused('ah-malformed', 'AH is not what follows the IP header');
  const ah = decodeAh(payload);
  if (!ah.ok) return ah;
  const { spi, sequence: low, length, nextHeader, payload: behind } = ah.value;
  const name = describeSpi(spi);
  const sa = kernel.sad.get('ah', spi, destination);
  if (sa === undefined || sa.state === 'larval' || sa.direction !== 'in' || sa.keying.protocol !== 'ah') return refused('ah-unknown-spi', `no SA has ${name}`);
  const { keying } = sa;
  if (length !== ahLength(keying.mac.icvLength, version)) return refused('ah-malformed', `${length - ahFixedLength} octets for the ICV of ${name}`);
  const sequence = sa.window.sequenceOf(low);
  if (!sa.window.isFresh(sequence)) return refused('ah-replay', `${name}, sequence ${sequence}, the highest so far ${sa.window.highest}`);
  if (!isAuthentic(keying, sequence, packet)) return refused('ah-authentication', `${name}, sequence ${sequence}: ${whatWasChanged(sa, keying, sequence, packet, ip.value)}`);
  if (endsByUse(kernel, sa)) return refused('ah-lifetime', `${name} has carried all that its lifetime allows`);
  return decoded({ sa, sequence, ip: ip.value, carried: { nextHeader, payload: behind } });
}

/** What the peer has sent, whatever it is, counts; then it goes up, or is refused. */
function deliver(kernel: Kernel, now: Instant, packet: Uint8Array, { sa, sequence, ip, carried }: Vouched): Refusal | undefined {
  sa.window.accept(sequence);
  account(kernel, now, sa, carried.payload.length);
  // an ICV over the addresses: what the transport's checksum covers is what was signed
  return admit(kernel, sa, ip.source, carried, () => ({ packet: takenOut(packet, carried), checksum: 'to be verified' }));
}

/**
 * A receiver cannot tell which octet an ICV does not fit. But it may know what the addresses were: by the SA, and by NAT-OA. If the ICV fits with one of
 * these, that is what was changed on the way.
 */
function whatWasChanged(sa: EstablishedSa, keying: AhKeying, sequence: number, packet: Uint8Array, { source, destination }: IpPacket): string {
  const originals = originalAddresses(sa);
  const sameFamily = (known: IpAddress | undefined): known is IpAddress => known !== undefined && known.includes(':') === source.includes(':');
  const sources = [source, sa.source, originals.source].filter(sameFamily);
  const destinations = [destination, originals.destination].filter(sameFamily);
  for (const signedSource of new Set(sources)) {
    for (const signedDestination of new Set(destinations)) {
      if (!isAuthentic(keying, sequence, readdressed(packet, { source: signedSource, destination: signedDestination }))) continue;
      return [changed('source', signedSource, source), changed('destination', signedDestination, destination)].flatMap((said) => said ?? []).join('; ');
    }
  }
  return `from ${source} to ${destination}; the ICV covers ${coveredFields}: something of that is not as it was signed`;
}

const changed = (end: 'source' | 'destination', signed: IpAddress, arrived: IpAddress): string | undefined =>
  signed === arrived ? undefined : `the ${end} address was changed: signed for ${signed}, arrived as ${arrived}`;
