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

/** ESP that came to the outside of the box. */
const isAnswerOutside = (event: TraceEvent): boolean => event.node === 'box' && event.body.kind === 'packet' && event.body.interface === 'eth1' && event.body.direction === 'in' && isPlainEsp(event);

/** The first question that goes out is shown as an answer that comes in. */
function answerInFront() {
  let shown = false;
  return (event: TraceEvent, act: string): TraceEvent => {
    if (shown || act !== 'race' || event.node !== 'box' || event.body.kind !== 'packet' || event.body.interface !== 'eth1' || !isPlainEsp(event)) return event;
    shown = true;
    return { ...event, body: { ...event.body, direction: 'in' } } as TraceEvent;
  };
}

export const rawEspRules: readonly BrokenRule[] = [
  { lesson: 'raw-esp', rule: 'the box lets no ESP through', sabotage: boxes(() => ({ esp: 'blocked' })), red: ['alone/translated', 'alone/by-luck', 'together/translated', 'together/first-works', 'learned/translated', 'learned/in-turn', 'learned/first-works', 'learned/second-works', 'learned/first-still', 'race/translated', 'race/at-once', 'race/crossed', 'race/thrown-away'] },
  { lesson: 'raw-esp', rule: 'ESP arrives with the address of the client (forged)', forge: (event) => (event.node === 'gateway' && event.body.kind === 'packet' ? fromAddress(event, '192.168.1.10') : event), red: ['alone/translated', 'together/translated', 'learned/translated', 'race/translated', 'in-udp/translated'] },
  { lesson: 'raw-esp', rule: "the second client's ESP comes out of the box (forged)", forge: (event, act) => (act === 'together' && event.node === 'client2' && event.body.kind === 'packet' && event.body.direction === 'out' && isPlainEsp(event) ? ({ ...event, node: 'box', body: { ...event.body, interface: 'eth1' } } as TraceEvent) : event), red: ['together/second-dies'] },
  { lesson: 'raw-esp', rule: 'the first client does not hear ESP', sabotage: deafToEsp(named('client1')), red: ['alone/by-luck', 'together/first-works', 'learned/first-works', 'learned/first-still', 'race/thrown-away', 'in-udp/first-works'] },
  { lesson: 'raw-esp', rule: 'the second client does not hear ESP', sabotage: deafToEsp(named('client2')), red: ['learned/second-works', 'race/thrown-away', 'in-udp/second-works'] },
  { lesson: 'raw-esp', rule: 'one SPI for both directions', sabotage: oneSpiBothWays, red: ['alone/spis', 'together/spis', 'learned/spis', 'race/crossed'] },
  { lesson: 'raw-esp', rule: 'ESP goes plain though a NAT is known', sabotage: plainEsp, red: ['alone/by-luck', 'together/first-works', 'learned/in-turn', 'learned/first-works', 'learned/second-works', 'learned/first-still', 'race/at-once', 'race/crossed', 'race/thrown-away', 'in-udp/encapsulation', 'in-udp/ports', 'in-udp/second-works'] },
  { lesson: 'raw-esp', rule: 'the second client does not tell that its tunnel is up', sabotage: silentAbout(named('client2'), (body) => body.kind === 'child-sa'), red: ['together/both-up', 'race/crossed'] },
  { lesson: 'raw-esp', rule: "the second client's ping is answered (forged)", forge: pingAnswered('of client2'), red: ['together/second-cut-off', 'race/second-cut-off'] },
  { lesson: 'raw-esp', rule: 'ESP of both from one port (forged)', forge: (event, act) => (act === 'in-udp' && event.node === 'gateway' ? fromElsewhere(event, { port: 4500 }) : event), red: ['in-udp/ports'] },
  { lesson: 'raw-esp', rule: "the first client's ESP is encapsulated otherwise (forged)", forge: (event, act) => (act === 'in-udp' || (act === 'alone' && isPlainEsp(event)) ? otherwiseEncapsulated(event) : event), red: ['alone/encapsulation', 'in-udp/encapsulation'] },
  { lesson: 'raw-esp', rule: 'the first ping is lost (forged)', forge: pingLost('of client1'), red: ['alone/by-luck', 'together/first-works', 'learned/first-works', 'in-udp/first-works'] },
  { lesson: 'raw-esp', rule: 'the second ping is lost (forged)', forge: pingLost('of client2'), red: ['learned/second-works', 'in-udp/second-works'] },
  { lesson: 'raw-esp', rule: 'a box that guesses serves one client only', sabotage: boxes(({ esp }) => (esp === 'by-spi' ? { esp: 'one-per-server' } : {})), red: ['learned/in-turn', 'learned/second-works', 'race/at-once', 'race/crossed', 'race/thrown-away', 'race/first-cut-off', 'race/for-good'] },
  { lesson: 'raw-esp', rule: 'the first answer did not come into the box (forged)', forge: (event, act) => (act === 'learned' && isAnswerOutside(event) ? undefined : event), red: ['learned/in-turn'] },
  { lesson: 'raw-esp', rule: 'an answer came into the box before both had asked (forged)', forge: answerInFront(), red: ['race/at-once'] },
  { lesson: 'raw-esp', rule: 'ESP reaches the client whose SPI it bears (forged)', forge: (event, act) => (act === 'race' && event.node === 'client1' && isPlainEsp(event) ? ({ ...event, node: 'client2' }) : event), red: ['race/crossed'] },
  { lesson: 'raw-esp', rule: 'the second client does not tell what it throws away', sabotage: silentAbout(named('client2'), (body) => body.kind === 'drop'), red: ['race/thrown-away'] },
  { lesson: 'raw-esp', rule: "the first client's ping is answered (forged)", forge: pingAnswered('of client1'), red: ['race/first-cut-off'] },
  { lesson: 'raw-esp', rule: 'the first one is answered later on (forged)', forge: pingAnswered('of client1, once more'), red: ['race/for-good'] },
  { lesson: 'raw-esp', rule: 'the first one is not answered later on (forged)', forge: pingLost('of client1, once more'), red: ['learned/first-still'] },
];
