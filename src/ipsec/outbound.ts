/** From an inner packet to ESP, to the open, or to a drop (RFC 4301 §5.1, RFC 4303 §3.3). */
import { concat } from '../core/bytes.ts';
import { decoded, refused, type Decoded, type Refusal } from '../core/decoded.ts';
import { after, seconds, type Instant } from '../core/time.ts';
import { nonIkeMarker } from '../wire/natt.ts';
import { ipsecModes } from '../wire/pfkey/message.ts';
import type { Addresses } from '../wire/pseudo-header.ts';
import { protectInPlace, protectInTunnel, type AhKeying } from './ah.ts';
import { encapsulate, nextHeaderOf } from './esp.ts';
import { account, endsByUse } from './expiry.ts';
import type { Kernel } from './kernel.ts';
import { acquireMessage } from './pfkey-policy.ts';
import { sequenceLimit } from './replay-window.ts';
import { describeSpi, type EstablishedSa } from './sad.ts';
import type { Policy, Protection } from './spd.ts';
import { trafficOf, type Traffic } from './traffic.ts';
import { takeHeaderOff, type Carried } from './transport.ts';

/** How long a policy waits for an SA before it asks for one again. */
export const acquireHoldOff = seconds(30);

export function sendInner(kernel: Kernel, now: Instant, packet: Uint8Array): void {
  const traffic = trafficOf(packet);
  const refusal = traffic.ok ? apply(kernel, now, packet, traffic.value) : traffic;
  if (refusal !== undefined) kernel.drop(refusal.reason, refusal.detail, packet);
}

/** Does what the first policy says that holds the packet. */
function apply(kernel: Kernel, now: Instant, packet: Uint8Array, traffic: Traffic): Refusal | undefined {
  const [policy] = kernel.spd.matching('out', traffic);
  if (policy === undefined) return refused('policy-discard', `${traffic.text} fits no policy`);
  switch (policy.action) {
    case 'discard':
      return refused('policy-discard', `${traffic.text}: policy ${policy.id} says so`);
    case 'bypass':
      kernel.inner('bypassed', 0, packet);
      kernel.emit({ kind: 'bypass', packet });
      return undefined;
    default:
      return protect(kernel, now, policy, policy.action, packet, traffic);
  }
}

function protect(kernel: Kernel, now: Instant, policy: Policy, protection: Protection, packet: Uint8Array, traffic: Traffic): Refusal | undefined {
  const ends = protection.tunnel ?? traffic.addresses;
  const inner = packet.subarray(0, traffic.length);
  const carried = protection.mode === ipsecModes.TUNNEL ? decoded({ payload: inner, nextHeader: nextHeaderOf[traffic.version] }) : carriedInPlace(kernel, inner, traffic, protection);
  if (!carried.ok) return carried;
  const sa = kernel.sad.outbound(protection, ends);
  if (sa === undefined) {
    acquire(kernel, now, policy, protection, ends);
    return refused('policy-no-sa', `${traffic.text}: policy ${policy.id} has no SA yet`);
  }
  policy.acquireHoldOff = undefined;
  const limit = sa.keying.extended ? sequenceLimit.extended : sequenceLimit.plain;
  if (sa.sequence >= limit) return refused(`${sa.protocol}-sequence-overflow`, `${describeSpi(sa.spi)} has used up its sequence numbers`);
  if (endsByUse(kernel, sa)) return refused(`${sa.protocol}-lifetime`, `${describeSpi(sa.spi)} has carried all that its lifetime allows`);
  sa.sequence += 1;
  kernel.inner('protected', sa.spi, inner);
  switch (sa.keying.protocol) {
    case 'esp':
      transmitEsp(kernel, sa, encapsulate(sa.keying, sa.sequence, carried.value.payload, carried.value.nextHeader, kernel.random));
      break;
    case 'ah':
      kernel.emit({ kind: 'ah', packet: signed(kernel, sa, sa.keying, inner, carried.value) });
      break;
  }
  account(kernel, now, sa, inner.length);
  return undefined;
}

/** RFC 4301 §4.1: transport mode is between two hosts; what a host forwards is not its own. */
const carriedInPlace = (kernel: Kernel, packet: Uint8Array, traffic: Traffic, { protocol }: Protection): Decoded<Carried> =>
  kernel.isLocal(traffic.addresses.source) ? takeHeaderOff(packet, traffic, protocol) : refused('policy-discard', `${traffic.text}: transport mode is for this host's own packets`);

const signed = (kernel: Kernel, sa: EstablishedSa, keying: AhKeying, packet: Uint8Array, carried: Carried): Uint8Array =>
  sa.mode === ipsecModes.TUNNEL
    ? protectInTunnel(keying, sa.sequence, sa, carried, kernel.nextIdentification())
    : protectInPlace(keying, sa.sequence, packet, carried, kernel.nextIdentification());

function transmitEsp(kernel: Kernel, { source, destination, encapsulation }: EstablishedSa, payload: Uint8Array): void {
  if (encapsulation.kind === 'udp') {
    kernel.emit({ kind: 'datagram', local: { address: source, port: encapsulation.sourcePort }, peer: { address: destination, port: encapsulation.destinationPort }, payload: encapsulation.nonIke ? concat(nonIkeMarker, payload) : payload });
  } else {
    kernel.emit({ kind: 'esp', source, destination, payload });
  }
}

/** Asks the daemon for an SA, once for many packets. Who has not registered is not asked (RFC 2367 §3.1.6). */
function acquire(kernel: Kernel, now: Instant, policy: Policy, protection: Protection, ends: Addresses): void {
  if (!kernel.registered || (policy.acquireHoldOff !== undefined && now < policy.acquireHoldOff)) return;
  policy.acquireHoldOff = after(now, acquireHoldOff);
  kernel.tell('SADB_ACQUIRE', protection.protocol, acquireMessage(policy, protection, ends), kernel.nextAcquire());
}
