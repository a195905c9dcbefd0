/** ESP in UDP as it stands on the wire, whatever its checksum says: what a receiver throws away is to be seen too. */
import type { Endpoint } from '../../src/core/address.ts';
import { u16At, u32At } from '../../src/core/bytes.ts';
import type { EventOf, Trace } from '../../src/trace/trace.ts';
import { folded, wordSum } from '../../src/wire/checksum.ts';
import { decodeIp } from '../../src/wire/ip.ts';
import { protocols } from '../../src/wire/protocols.ts';
import { pseudoHeaderSum } from '../../src/wire/pseudo-header.ts';
import { udpAt, udpHeaderLength } from '../../src/wire/udp.ts';
import { ports } from './wire.ts';
import type { At } from './wire.ts';

export interface SeenEspInUdp {
  readonly event: EventOf<'packet'>;
  readonly seq: number;
  readonly version: 4 | 6;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** `zero` says that there is none (RFC 768). */
  readonly checksum: 'zero' | 'fits' | 'does not fit';
}

/** In order. On the shared port it is told from IKE by a first word that is not zero, from keepalives by its length (RFC 3948 §2.2). */
export const espInUdpAt = (trace: Trace, { node, interface: name, direction }: At): readonly SeenEspInUdp[] =>
  trace
    .of('packet', node)
    .filter(({ body }) => (name === undefined || body.interface === name) && (direction === undefined || body.direction === direction))
    .flatMap((event) => read(event) ?? []);

function read(event: EventOf<'packet'>): SeenEspInUdp | undefined {
  const ip = decodeIp(event.body.bytes);
  if (!ip.ok || ip.value.protocol !== protocols.udp || ip.value.fragment !== undefined || ip.value.payload.length < udpHeaderLength + 8) return undefined;
  const { version, source, destination, payload } = ip.value;
  const [from, to] = [{ address: source, port: u16At(payload, udpAt.sourcePort) }, { address: destination, port: u16At(payload, udpAt.destinationPort) }];
  if (![from.port, to.port].includes(ports.natt) || u32At(payload, udpHeaderLength) === 0) return undefined;
  const fits = folded(wordSum(payload) + pseudoHeaderSum(ip.value, protocols.udp, payload.length)) === 0xffff;
  return { event, seq: event.seq, version, from, to, checksum: u16At(payload, udpAt.checksum) === 0 ? 'zero' : fits ? 'fits' : 'does not fit' };
}
