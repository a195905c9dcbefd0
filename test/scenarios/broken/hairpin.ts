/** Rules broken in `hairpin`, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { encodeUdpPacket } from '../../../src/wire/ip.ts';
import { decodeIpv4, encodeIpv4 } from '../../../src/wire/ipv4.ts';
import { pingAnswered, pingLost, rewritten, udpPacketOf } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, hasMarker } from '../../support/sabotage.ts';

const isPacket = (event: TraceEvent, node: string, direction: 'in' | 'out'): boolean => event.node === node && event.body.kind === 'packet' && event.body.direction === direction;

/** What comes in at the client comes from another address, if it is of this kind. */
const from = (address: string, kind: 'ike' | 'esp') => (event: TraceEvent): TraceEvent => {
  const packet = isPacket(event, 'alice', 'in') ? udpPacketOf(event) : undefined;
  const isIke = packet !== undefined && (packet.destination.port === 500 || hasMarker(packet.payload));
  return packet === undefined || isIke !== (kind === 'ike') ? event : rewritten(event, (honest) => ({ ...honest, source: { ...honest.source, address: ip(address) } }));
};

/** The client's ESP with a UDP header where it had none, without where it had one. */
function otherwiseEncapsulated(event: TraceEvent): TraceEvent {
  if (event.node !== 'alice' || event.body.kind !== 'packet') return event;
  const packet = decodeIpv4(event.body.bytes);
  if (!packet.ok) return event;
  const { source, destination, protocol, payload } = packet.value;
  if (protocol === 50) return { ...event, body: { ...event.body, bytes: encodeUdpPacket({ address: source, port: 4500 }, { address: destination, port: 4500 }, payload, 'zero') } } as TraceEvent;
  const udp = udpPacketOf(event);
  if (udp === undefined || ![udp.source.port, udp.destination.port].includes(4500) || hasMarker(udp.payload)) return event;
  return { ...event, body: { ...event.body, bytes: encodeIpv4({ source, destination, protocol: 50, payload: udp.payload }) } } as TraceEvent;
}

const inAct = (wanted: string, forge: (event: TraceEvent) => TraceEvent | undefined) => (event: TraceEvent, act: string): TraceEvent | undefined => (act === wanted ? forge(event) : event);

const atTheGateway = (event: TraceEvent): TraceEvent => (isPacket(event, 'alice', 'out') ? ({ ...event, node: 'gateway', body: { ...event.body, direction: 'in' } } as TraceEvent) : event);

const seesNoNat = (event: TraceEvent): TraceEvent => (event.node === 'gateway' && event.body.kind === 'nat-detection' ? { ...event, body: { ...event.body, localBehindNat: false } } as TraceEvent : event);

export const hairpinRules: readonly BrokenRule[] = [
  { lesson: 'hairpin', rule: 'the box turns nothing around', sabotage: boxes(() => ({ hairpinning: false })), red: ['external/turned', 'external/both-behind', 'external/encapsulation', 'external/works', 'internal/turned', 'internal/past-the-box', 'internal/fooled', 'internal/encapsulation', 'forced/turned', 'forced/past-the-box', 'forced/encapsulation', 'forced/works'] },
  { lesson: 'hairpin', rule: 'the box turns packets around as from outside', sabotage: boxes(() => ({ hairpinning: 'external-source' })), red: ['none/not-turned', 'none/gives-up', 'internal/turned', 'internal/past-the-box', 'internal/fooled', 'internal/encapsulation', 'internal/lost', 'forced/turned', 'forced/past-the-box'] },
  { lesson: 'hairpin', rule: 'the box leaves the inner source', sabotage: boxes(() => ({ hairpinning: 'internal-source' })), red: ['none/not-turned', 'none/gives-up', 'external/turned', 'external/both-behind', 'external/encapsulation', 'external/never-direct', 'external/works'] },
  { lesson: 'hairpin', rule: 'nothing is seen at the box (forged)', forge: (event) => (event.node === 'box' && event.body.kind === 'packet' ? undefined : event), red: ['none/to-the-box', 'external/turned', 'internal/turned', 'forced/turned'] },
  { lesson: 'hairpin', rule: 'what the client sends reaches the gateway (forged)', forge: inAct('none', atTheGateway), red: ['none/not-turned'] },
  { lesson: 'hairpin', rule: 'the client does not give up (forged)', forge: (event) => (event.body.kind === 'ike-sa' && event.body.state === 'failed' ? undefined : event), red: ['none/gives-up'] },
  { lesson: 'hairpin', rule: 'the gateway does not see that it is behind a NAT (forged)', forge: seesNoNat, red: ['external/both-behind', 'internal/fooled'] },
  { lesson: 'hairpin', rule: 'ESP is encapsulated otherwise (forged)', forge: otherwiseEncapsulated, red: ['external/encapsulation', 'internal/encapsulation', 'forced/encapsulation'] },
  { lesson: 'hairpin', rule: "ESP comes from the gateway's own address (forged)", forge: from('192.168.1.2', 'esp'), red: ['external/never-direct'] },
  { lesson: 'hairpin', rule: 'IKE comes from the box (forged)', forge: from('203.0.113.1', 'ike'), red: ['internal/past-the-box', 'forced/past-the-box'] },
  { lesson: 'hairpin', rule: 'the ping is lost (forged)', forge: pingLost('client to server'), red: ['external/works', 'forced/works'] },
  { lesson: 'hairpin', rule: 'the ping is answered (forged)', forge: pingAnswered('client to server'), red: ['internal/lost'] },
];
