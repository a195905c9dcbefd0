/** Rules broken in `ah`, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { decodeAh } from '../../../src/wire/ah.ts';
import { decodeIpv4, encodeIpv4 } from '../../../src/wire/ipv4.ts';
import type { Ipv4Packet } from '../../../src/wire/ipv4.ts';
import { deafToEsp, plainEsp, silentAbout, turned, without } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, isGateway, only, routersForBoxes, telling } from '../../support/sabotage.ts';

const ahNumber = 51;

/** A packet of AH otherwise than it was seen; what is no AH stays. */
const otherAh = (change: (packet: Ipv4Packet) => Partial<Ipv4Packet>) => (event: TraceEvent): TraceEvent => {
  if (event.body.kind !== 'packet' || event.body.bytes[9] !== ahNumber) return event;
  const packet = decodeIpv4(event.body.bytes);
  return packet.ok ? ({ ...event, body: { ...event.body, bytes: encodeIpv4({ ...packet.value, ...change(packet.value) }) } } as TraceEvent) : event;
};

/** The header stays readable, what it is around does not. */
const scrambled = otherAh(({ payload }) => {
  const ah = decodeAh(payload);
  return ah.ok ? { payload: payload.map((octet, i) => (i < ah.value.length ? octet : octet ^ 0x5a)) } : {};
});

const renumbered = otherAh(({ identification }) => ({ identification: identification ^ 1 }));
const fromTheClient = otherAh(() => ({ source: ip('192.168.1.10') }));

/** What the client sent, as if it had come out of the box. */
const outOfTheBox = (event: TraceEvent, act: string): TraceEvent =>
  act === 'blocked' && event.node === 'alice' && event.body.kind === 'packet' && event.body.direction === 'out' && event.body.bytes[9] === ahNumber ? ({ ...event, node: 'box', body: { ...event.body, interface: 'eth1' } } as TraceEvent) : event;

const arriving = (forge: (event: TraceEvent) => TraceEvent) => (event: TraceEvent): TraceEvent => (event.node === 'gateway' ? forge(event) : event);

/** Nobody says what of a packet was changed. */
const tightLipped = only(isGateway, () => ({ said: telling((body) => (body.kind === 'drop' ? { ...body, detail: 'no' } : body)) }));

export const ahRules: readonly BrokenRule[] = [
  { lesson: 'ah', rule: 'everybody uses ESP', sabotage: { config: (config) => ({ ...config, ike: { ...config.ike, connections: config.ike.connections.map((connection) => ({ ...connection, child: { ...connection.child, protocol: 'esp', proposals: [{ encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], groups: [], extendedSequenceNumbers: false }] } })) } }) }, red: ['direct/ah', 'direct/unchanged', 'direct/readable', 'blocked/blocked', 'blocked/udp', 'blocked/tcp', 'passed/translated', 'passed/changed', 'passed/refused', 'passed/udp', 'passed/tcp'] },
  { lesson: 'ah', rule: 'the boxes are routers', sabotage: routersForBoxes, red: ['blocked/blocked', 'blocked/udp', 'blocked/tcp', 'passed/translated', 'passed/changed', 'passed/refused', 'passed/udp', 'passed/tcp', 'in-udp/translated', 'in-udp/encapsulation'] },
  { lesson: 'ah', rule: 'the box lets AH pass, whatever it was told', sabotage: boxes(() => ({ ah: 'one-per-server' })), red: ['blocked/blocked'] },
  { lesson: 'ah', rule: 'the box lets no AH pass, whatever it was told', sabotage: boxes(() => ({ ah: 'blocked' })), red: ['passed/translated', 'passed/changed', 'passed/refused'] },
  { lesson: 'ah', rule: 'a signed field of AH arrives otherwise (forged)', forge: arriving(renumbered), red: ['direct/unchanged', 'passed/changed'] },
  { lesson: 'ah', rule: 'AH arrives under the address of the client (forged)', forge: arriving(fromTheClient), red: ['direct/ah', 'direct/unchanged', 'direct/readable', 'passed/translated', 'passed/changed'] },
  { lesson: 'ah', rule: 'what AH carries cannot be read (forged)', forge: scrambled, red: ['direct/readable'] },
  { lesson: 'ah', rule: 'AH comes out of the box that blocks it (forged)', forge: outOfTheBox, red: ['blocked/blocked'] },
  { lesson: 'ah', rule: 'the gateway does not tell that it has an SA', sabotage: silentAbout(isGateway, (body) => body.kind === 'child-sa'), red: ['blocked/agreed'] },
  { lesson: 'ah', rule: 'the gateway does not tell what it throws away', sabotage: silentAbout(isGateway, (body) => body.kind === 'drop'), red: ['passed/refused'] },
  { lesson: 'ah', rule: 'the gateway does not say with which address the ICV would fit', sabotage: tightLipped, red: ['passed/refused'] },
  { lesson: 'ah', rule: 'nobody hears ESP', sabotage: deafToEsp(() => true), red: ['in-udp/authentic', 'in-udp/udp', 'in-udp/tcp'] },
  { lesson: 'ah', rule: 'ESP goes plain though a NAT is known', sabotage: plainEsp, red: ['in-udp/encapsulation'] },
  { lesson: 'ah', rule: 'nothing that comes out of an SA is told of (forged)', forge: without('inner'), red: ['in-udp/authentic'] },
  { lesson: 'ah', rule: 'the echo is answered where it was lost, and lost where it was answered (forged)', forge: turned('udp-echo'), red: ['direct/udp', 'blocked/udp', 'passed/udp', 'in-udp/udp'] },
  { lesson: 'ah', rule: 'the connection is there where it was lost, and lost where it was there (forged)', forge: turned('tcp-probe'), red: ['direct/tcp', 'blocked/tcp', 'passed/tcp', 'in-udp/tcp'] },
];
