/** Rules broken in `raw-esp`, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { encodeUdpPacket } from '../../../src/wire/ip.ts';
import { decodeIpv4, encodeIpv4 } from '../../../src/wire/ipv4.ts';
import { deafToEsp, fromElsewhere, pingAnswered, pingLost, plainEsp, silentAbout } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, everybody, hasMarker, named } from '../../support/sabotage.ts';

/** An answer is read as what the box saw go out. */
const oneSpiBothWays = everybody(() => ({
  said: (output) => [output.kind === 'event' && output.body.kind === 'child-sa' ? { ...output, body: { ...output.body, spiIn: output.body.spiOut } } as typeof output : output],
}));

/** A packet of any protocol from another address. */
function fromAddress(event: TraceEvent, source: string): TraceEvent {
  if (event.body.kind !== 'packet') return event;
  const packet = decodeIpv4(event.body.bytes);
  return packet.ok ? ({ ...event, body: { ...event.body, bytes: encodeIpv4({ ...packet.value, source: ip(source) }) } } as TraceEvent) : event;
}

/** ESP that a client sent, without its UDP header, or with one. */
function otherwiseEncapsulated(event: TraceEvent): TraceEvent {
  if (event.body.kind !== 'packet' || event.node !== 'client1') return event;
  const packet = decodeIpv4(event.body.bytes);
  if (!packet.ok || (packet.value.protocol === 17 && hasMarker(packet.value.payload.subarray(8)))) return event;
  const { source, destination, payload } = packet.value;
  const bytes = isPlainEsp(event)
    ? encodeUdpPacket({ address: source, port: 4500 }, { address: destination, port: 4500 }, payload, 'zero')
    : encodeIpv4({ source, destination, protocol: 50, payload: payload.subarray(8) });
  return { ...event, body: { ...event.body, bytes } } as TraceEvent;
}

const isPlainEsp = ({ body }: TraceEvent): boolean => body.kind === 'packet' && body.bytes[9] === 50;

export const rawEspRules: readonly BrokenRule[] = [
  { lesson: 'raw-esp', rule: 'the box lets any number of clients send ESP', sabotage: boxes(() => ({ esp: 'blocked' })), red: ['alone/translated', 'alone/by-luck', 'together/translated', 'together/first-works'] },
  { lesson: 'raw-esp', rule: 'ESP arrives with the address of the client (forged)', forge: (event) => (event.node === 'gateway' && event.body.kind === 'packet' ? fromAddress(event, '192.168.1.10') : event), red: ['alone/translated', 'together/translated', 'in-udp/translated'] },
  { lesson: 'raw-esp', rule: "the second client's ESP comes out of the box (forged)", forge: (event, act) => (act === 'together' && event.node === 'client2' && event.body.kind === 'packet' && event.body.direction === 'out' && isPlainEsp(event) ? ({ ...event, node: 'box', body: { ...event.body, interface: 'eth1' } } as TraceEvent) : event), red: ['together/second-dies'] },
  { lesson: 'raw-esp', rule: 'the first client does not hear ESP', sabotage: deafToEsp(named('client1')), red: ['alone/by-luck', 'together/first-works', 'in-udp/first-works'] },
  { lesson: 'raw-esp', rule: 'the second client does not hear ESP', sabotage: deafToEsp(named('client2')), red: ['in-udp/second-works'] },
  { lesson: 'raw-esp', rule: 'one SPI for both directions', sabotage: oneSpiBothWays, red: ['alone/spis', 'together/spis'] },
  { lesson: 'raw-esp', rule: 'ESP goes plain though a NAT is known', sabotage: plainEsp, red: ['alone/by-luck', 'together/first-works', 'in-udp/encapsulation', 'in-udp/ports', 'in-udp/second-works'] },
  { lesson: 'raw-esp', rule: 'the second client does not tell that its tunnel is up', sabotage: silentAbout(named('client2'), (body) => body.kind === 'child-sa'), red: ['together/both-up'] },
  { lesson: 'raw-esp', rule: "the second client's ping is answered (forged)", forge: pingAnswered('of client2'), red: ['together/second-cut-off'] },
  { lesson: 'raw-esp', rule: 'ESP of both from one port (forged)', forge: (event, act) => (act === 'in-udp' && event.node === 'gateway' ? fromElsewhere(event, { port: 4500 }) : event), red: ['in-udp/ports'] },
  { lesson: 'raw-esp', rule: "the first client's ESP is encapsulated otherwise (forged)", forge: (event, act) => (act === 'in-udp' || (act === 'alone' && isPlainEsp(event)) ? otherwiseEncapsulated(event) : event), red: ['alone/encapsulation', 'in-udp/encapsulation'] },
  { lesson: 'raw-esp', rule: 'the first ping is lost (forged)', forge: pingLost('of client1'), red: ['alone/by-luck', 'together/first-works', 'in-udp/first-works'] },
  { lesson: 'raw-esp', rule: 'the second ping is lost (forged)', forge: pingLost('of client2'), red: ['in-udp/second-works'] },
];
