/** Rules broken in `overlap`, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { fromElsewhere, liar, pingAnswered, pingLost, silentAbout } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { isClient, isGateway, named } from '../../support/sabotage.ts';

/** The errand fails. */
const lost = (name: string) => (event: TraceEvent): TraceEvent =>
  event.body.kind === 'udp-echo-answered' && event.body.echo === name ? ({ ...event, body: { ...event.body, kind: 'udp-echo-lost', why: 'forged' } } as unknown as TraceEvent) : event;

/** UDP with something behind its header that is not IKE's marker. */
const isUdpEsp = ({ body }: TraceEvent): boolean => body.kind === 'packet' && body.bytes[9] === 17 && Buffer.from(body.bytes).readUInt16BE(20) === 4500 && Buffer.from(body.bytes).readUInt32BE(28) !== 0;

/** An SPI that is nobody's. */
function withSpi(event: TraceEvent, spi: number): TraceEvent {
  if (event.body.kind !== 'packet') return event;
  const bytes = Buffer.from(event.body.bytes);
  bytes.writeUInt32BE(spi, 28);
  return { ...event, body: { ...event.body, bytes: new Uint8Array(bytes) } } as TraceEvent;
}

export const overlapRules: readonly BrokenRule[] = [
  { lesson: 'overlap', rule: 'bob has another address (forged)', forge: (event) => (event.node === 'bob' && isUdpEsp(event) ? fromElsewhere(event, { address: ip('192.168.1.11') }) : event), red: ['together/same-address', 'given/same-address', 'transport/same-address'] },
  { lesson: 'overlap', rule: 'client2 has the address of client1 (forged)', forge: (event) => (event.node === 'client2' && isUdpEsp(event) ? fromElsewhere(event, { address: ip('192.168.1.10') }) : event), red: ['apart/two-addresses'] },
  { lesson: 'overlap', rule: 'the gateway tells of equal selectors', sabotage: liar(isGateway, 'child-sa', () => ({ selectors: '10.99.0.0/24 === 192.168.1.10/32' })), red: ['apart/own-selectors', 'given/own-selectors', 'transport/by-box'] },
  { lesson: 'overlap', rule: 'the gateway tells of selectors without a pair', sabotage: liar(isGateway, 'child-sa', ({ spiIn }: { spiIn: number }) => ({ selectors: `10.99.0.0/24 === ${spiIn}` })), red: ['together/equal-selectors', 'transport/by-box'] },
  { lesson: 'overlap', rule: 'the clients are given one address (forged)', forge: (event) => (event.body.kind === 'virtual-address' ? ({ ...event, body: { ...event.body, address: ip('10.98.0.1') } } as TraceEvent) : event), red: ['given/given'] },
  { lesson: 'overlap', rule: 'the gateway does not tell what it turns away', sabotage: silentAbout(isGateway, (body) => body.kind === 'drop'), red: ['together/not-let-in'] },
  { lesson: 'overlap', rule: 'the gateway sends by another SA (forged)', forge: (event, act) => (act === 'together' && event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'out' && isUdpEsp(event) ? withSpi(event, 0x1234) : event), red: ['together/last-wins'] },
  { lesson: 'overlap', rule: 'a client does not tell which address it was given', sabotage: silentAbout(isClient, (body) => body.kind === 'virtual-address'), red: ['given/given'] },
  { lesson: 'overlap', rule: 'the second client never comes', sabotage: { endpoint: (config) => (named('bob')(config) ? { heard: (input) => (input.kind === 'command' && input.command.kind === 'initiate' ? [] : [input]) } : undefined) }, red: ['together/same-address', 'together/equal-selectors', 'together/last-wins', 'together/not-let-in', 'together/cut-off', 'together/second-works', 'given/same-address', 'given/given', 'given/own-selectors', 'given/second-works', 'transport/same-address', 'transport/by-box', 'transport/second-works'] },
  { lesson: 'overlap', rule: 'the first ping of alice is lost (forged)', forge: pingLost('of alice, alone'), red: ['together/worked-before'] },
  { lesson: 'overlap', rule: 'the second ping of alice is lost (forged)', forge: pingLost('of alice, both there'), red: ['given/first-works'] },
  { lesson: 'overlap', rule: 'the second ping of alice is answered (forged)', forge: pingAnswered('of alice, both there'), red: ['together/cut-off'] },
  { lesson: 'overlap', rule: 'the ping of bob is lost (forged)', forge: pingLost('of bob, both there'), red: ['together/second-works', 'given/second-works'] },
  { lesson: 'overlap', rule: 'the ping of client1 is lost (forged)', forge: pingLost('of client1, both there'), red: ['apart/first-works'] },
  { lesson: 'overlap', rule: 'the ping of client2 is lost (forged)', forge: pingLost('of client2, both there'), red: ['apart/second-works'] },
  { lesson: 'overlap', rule: 'the datagram of alice is lost (forged)', forge: lost('a datagram of alice'), red: ['transport/first-works'] },
  { lesson: 'overlap', rule: 'the datagram of bob is lost (forged)', forge: lost('a datagram of bob'), red: ['transport/second-works'] },
];
