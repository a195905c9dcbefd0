/** Whether what came out of an SA may go up (RFC 4301 §5.2), whichever protocol has protected it. */
import type { IpAddress } from '../core/address.ts';
import { decoded, refused, type Decoded, type Refusal } from '../core/decoded.ts';
import { ipsecModes } from '../wire/pfkey/message.ts';
import type { ChecksumTrust } from './checksum-repair.ts';
import { nextHeaderOf } from './esp.ts';
import type { Kernel } from './kernel.ts';
import { describeSpi, type EstablishedSa } from './sad.ts';
import { goesBy } from './spd.ts';
import { trafficOf, type Traffic } from './traffic.ts';
import type { Carried } from './transport.ts';

interface InnerPacket {
  readonly packet: Uint8Array;
  readonly traffic: Traffic;
  readonly checksum: ChecksumTrust;
}

/** A packet in transport mode, whole again, and whether its checksum is still to be looked at. */
export interface Restored {
  readonly packet: Uint8Array;
  readonly checksum: ChecksumTrust;
}

/**
 * Hands up what an authentic packet from `source` carried; why not, when it is refused. `restore` puts the header of transport mode back around it, and is
 * asked in that mode only.
 */
export function admit(kernel: Kernel, sa: EstablishedSa, source: IpAddress, carried: Carried, restore: () => Restored): Refusal | undefined {
  const inner = sa.mode === ipsecModes.TUNNEL ? innerPacket(sa, carried) : ownPacket(sa, source, restore);
  const refusal = inner.ok ? refusalByPolicy(kernel, sa, inner.value.traffic) : inner;
  if (!inner.ok || refusal !== undefined) return refusal;
  const { packet, traffic, checksum } = inner.value;
  const whole = packet.subarray(0, traffic.length);
  kernel.inner('delivered', sa.spi, whole);
  kernel.emit({ kind: 'inbound', packet: whole, mode: sa.mode === ipsecModes.TUNNEL ? 'tunnel' : 'transport', checksum });
  return undefined;
}

/** Tunnel mode: the payload is a packet, of the version that the next header says. */
function innerPacket(sa: EstablishedSa, { payload, nextHeader }: Carried): Decoded<InnerPacket> {
  const traffic = trafficOf(payload);
  if (!traffic.ok) return traffic;
  const { version } = traffic.value;
  if (nextHeader !== nextHeaderOf[version]) return refused('inner-malformed', `next header ${nextHeader} with IP version ${version} in ${describeSpi(sa.spi)}`);
  return decoded({ packet: payload, traffic: traffic.value, checksum: 'to be verified' });
}

/** Transport mode: the payload with the header that it came under. Who holds the keys speaks for the address that the SA has and for no other. */
function ownPacket(sa: EstablishedSa, source: IpAddress, restore: () => Restored): Decoded<InnerPacket> {
  if (source !== sa.source) return refused(`${sa.protocol}-selectors`, `${describeSpi(sa.spi)} is ${sa.source}'s, and its packet came from ${source}`);
  const { packet, checksum } = restore();
  const traffic = trafficOf(packet);
  return traffic.ok ? decoded({ packet, traffic: traffic.value, checksum }) : traffic;
}

/** RFC 4301 §5.2: a policy of the SA must hold the packet, and none in front of it forbid it. */
function refusalByPolicy(kernel: Kernel, sa: EstablishedSa, traffic: Traffic): Refusal | undefined {
  for (const { action } of kernel.spd.matching('in', traffic)) {
    if (action === 'discard') return refused('policy-discard', `${traffic.text}, out of ${describeSpi(sa.spi)}`);
    if (action === 'bypass') break; // what policy wants in the clear may not come out of an SA
    if (goesBy(action, sa)) return undefined;
  }
  return refused(`${sa.protocol}-selectors`, `${traffic.text} fits no policy of ${describeSpi(sa.spi)}`);
}
