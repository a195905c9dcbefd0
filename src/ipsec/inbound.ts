/** From ESP to an inner packet, or to a drop (RFC 4303 §3.4, RFC 4301 §5.2). */
import { sameEndpoint, type Endpoint, type IpAddress } from '../core/address.ts';
import { decoded, refused, type Decoded, type Refusal } from '../core/decoded.ts';
import type { Instant } from '../core/time.ts';
import { decodeEsp } from '../wire/esp.ts';
import { admit, type Restored } from './admission.ts';
import { repairChecksum } from './checksum-repair.ts';
import type { Arrival } from './encapsulation-rules.ts';
import { authenticate, dummyPacket, takeTrailerOff } from './esp.ts';
import { account, endsByUse } from './expiry.ts';
import type { Kernel } from './kernel.ts';
import { addressInPfkey, originalAddresses, saInPfkey } from './pfkey-association.ts';
import { describeSpi, type EstablishedSa } from './sad.ts';
import { putHeaderOn, type Carried } from './transport.ts';

export interface ReceivedEsp {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly arrival: Arrival;
  /** ESP header first. */
  readonly packet: Uint8Array;
}

/** An authentic packet, with the SA it came by. */
interface Opened {
  readonly sa: EstablishedSa;
  readonly sequence: number;
  readonly plaintext: Uint8Array;
}

export function receiveEsp(kernel: Kernel, now: Instant, received: ReceivedEsp): void {
  const opened = open(kernel, received);
  const refusal = opened.ok ? deliver(kernel, now, received, opened.value) : opened;
  if (refusal !== undefined) kernel.drop(refusal.reason, refusal.detail, received.packet, { address: received.source, port: received.arrival === 'plain' ? 0 : received.arrival.peerPort });
}

/** Nothing but an SA that has reached its end changes before the packet has proven authentic. */
function open(kernel: Kernel, { destination, arrival, packet }: ReceivedEsp): Decoded<Opened> {
  const esp = decodeEsp(packet);
  if (!esp.ok) return esp;
  const { spi, sequence: low, body } = esp.value;
  const name = describeSpi(spi);
  const sa = kernel.sad.get('esp', spi, destination);
  if (sa === undefined || sa.state === 'larval' || sa.direction !== 'in' || sa.keying.protocol !== 'esp') return refused('esp-unknown-spi', `no SA has ${name}`);
  const mismatch = kernel.rules.mismatch(sa.encapsulation, arrival);
  if (mismatch !== undefined) return refused('esp-encapsulation', `${name} ${mismatch}`);
  const sequence = sa.window.sequenceOf(low);
  if (!sa.window.isFresh(sequence)) return refused('esp-replay', `${name}, sequence ${sequence}, the highest so far ${sa.window.highest}`);
  const plaintext = authenticate(sa.keying, sequence, body);
  if (plaintext === undefined) return refused('esp-authentication', `${name}, sequence ${sequence}`);
  if (endsByUse(kernel, sa)) return refused('esp-lifetime', `${name} has carried all that its lifetime allows`);
  return decoded({ sa, sequence, plaintext });
}

/** What the peer has sent, whatever it is, counts; then it goes up, or is refused. */
function deliver(kernel: Kernel, now: Instant, received: ReceivedEsp, { sa, sequence, plaintext }: Opened): Refusal | undefined {
  const isNewest = sequence > sa.window.highest;
  sa.window.accept(sequence);
  const trailer = takeTrailerOff(plaintext);
  account(kernel, now, sa, trailer.ok ? trailer.value.payload.length : 0);
  if (isNewest) followPeer(kernel, sa, received);
  if (!trailer.ok) return trailer;
  if (trailer.value.nextHeader === dummyPacket) return undefined; // RFC 4303 §2.6: without a word
  return admit(kernel, sa, received.source, trailer.value, () => restored(kernel, sa, received, trailer.value));
}

/** RFC 3948 §3.1.2: behind a NAT the checksum of what came is for other addresses. */
function restored(kernel: Kernel, sa: EstablishedSa, received: ReceivedEsp, carried: Carried): Restored {
  const packet = putHeaderOn(received, carried);
  return { packet, checksum: sa.encapsulation.kind === 'udp' ? repairChecksum(kernel.checksumRepair, packet, originalAddresses(sa)) : 'to be verified' };
}

/**
 * RFC 7296 §2.23: a fresh authentic packet in UDP shows where the peer is now. The daemon is told, and nothing moves until it says so. Only the
 * newest packet counts: one that was late would call back the mapping that the peer has left.
 */
function followPeer(kernel: Kernel, sa: EstablishedSa, { source, arrival }: ReceivedEsp): void {
  if (sa.encapsulation.kind !== 'udp' || arrival === 'plain') return;
  const known: Endpoint = { address: sa.source, port: sa.encapsulation.sourcePort };
  const seen: Endpoint = { address: source, port: arrival.peerPort };
  if (sameEndpoint(known, seen)) {
    sa.reportedPeer = undefined;
    return;
  }
  if (sa.reportedPeer !== undefined && sameEndpoint(sa.reportedPeer, seen)) return;
  sa.reportedPeer = seen;
  kernel.emit({ kind: 'event', event: { kind: 'esp-new-source', spi: sa.spi, from: known, to: seen } });
  kernel.tell('SADB_X_NAT_T_NEW_MAPPING', sa.protocol, {
    sa: saInPfkey(sa), source: addressInPfkey(known.address), nattSourcePort: known.port, destination: addressInPfkey(seen.address), nattDestinationPort: seen.port,
  });
}
