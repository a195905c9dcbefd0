/** Rules broken in `l2tp`, and which checks notice. */
import { setU32, u32At } from '../../../src/core/bytes.ts';
import type { ConnectionConfig } from '../../../src/ike/config.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { deafToEsp, fromElsewhere, rewritten, silentAbout, udpPacketOf } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import type { isClient} from '../../support/sabotage.ts';
import { hasMarker, ikeConfig, isGateway, named, routersForBoxes } from '../../support/sabotage.ts';
import { ip } from '../../../src/core/address.ts';

const troubled = ['together', 'any-daemon'];
const cured = ['own-ports', 'tunnel-mode'];

const answered = (name: string) => (event: TraceEvent): TraceEvent => (event.body.kind === 'l2tp-lost' && event.body.l2tp === name ? ({ ...event, body: { ...event.body, kind: 'l2tp-answered', roundTrip: 1 } } as unknown as TraceEvent) : event);
const lost = (name: string) => (event: TraceEvent): TraceEvent => (event.body.kind === 'l2tp-answered' && event.body.l2tp === name ? ({ ...event, body: { ...event.body, kind: 'l2tp-lost', why: 'forged' } } as unknown as TraceEvent) : event);

/** The gateway's child SAs as it does not tell them. */
const selectors = (acts: readonly string[], change: (told: string, nth: number) => string) => {
  let [act, nth] = ['', 0];
  return (event: TraceEvent, played: string): TraceEvent => {
    if (!acts.includes(played) || event.node !== 'gateway' || event.body.kind !== 'child-sa') return event;
    [act, nth] = [played, act === played ? nth + 1 : 1];
    return { ...event, body: { ...event.body, selectors: change(event.body.selectors, nth) } } as TraceEvent;
  };
};

const isEspPacket = (event: TraceEvent, node: string, direction: 'in' | 'out'): boolean => {
  const packet = event.node === node && event.body.kind === 'packet' && event.body.direction === direction ? udpPacketOf(event) : undefined;
  return packet !== undefined && packet.source.port !== 500 && packet.destination.port !== 500 && packet.payload.length > 8 && !hasMarker(packet.payload);
};

const anotherSpi = (event: TraceEvent): TraceEvent =>
  rewritten(event, (packet) => {
    const payload = packet.payload.slice();
    setU32(payload, 0, u32At(payload, 0) ^ 1);
    return { ...packet, payload };
  });

/** Each on a port of its own, whatever the lesson wants. */
const withUpperLayer = (whom: (config: Parameters<typeof isClient>[0]) => boolean, change: (upperLayer: NonNullable<ConnectionConfig['child']['upperLayer']>, address: string) => Partial<NonNullable<ConnectionConfig['child']['upperLayer']>>) =>
  ikeConfig(whom, ({ address, connections }) => ({
    connections: connections.map((connection) => {
      const { upperLayer } = connection.child;
      return upperLayer === undefined ? connection : { ...connection, child: { ...connection.child, upperLayer: { ...upperLayer, ...change(upperLayer, address) } } };
    }),
  }));

export const l2tpRules: readonly BrokenRule[] = [
  { lesson: 'l2tp', rule: 'the boxes are routers', sabotage: routersForBoxes, red: ['alone/translated', 'alone/public', 'together/translated', 'together/equal-selectors', 'together/last-wins', 'together/astray', 'together/cut-off', 'any-daemon/translated', 'any-daemon/equal-selectors', 'any-daemon/last-wins', 'any-daemon/astray', 'any-daemon/cut-off', 'own-ports/translated', 'tunnel-mode/translated'] },
  { lesson: 'l2tp', rule: 'the gateway lets nobody have a port of his own', sabotage: withUpperLayer(isGateway, () => ({ remotePort: 1701 })), red: ['own-ports/translated', 'own-ports/own-selectors', 'own-ports/own-sa', 'own-ports/first-works', 'own-ports/second-works'] },
  { lesson: 'l2tp', rule: 'ESP comes from two addresses (forged)', forge: (event) => (isEspPacket(event, 'gateway', 'in') ? fromElsewhere(event, { address: ip('192.168.1.10') }) : event), red: ['alone/translated', 'together/translated', 'any-daemon/translated', 'own-ports/translated', 'tunnel-mode/translated'] },
  { lesson: 'l2tp', rule: 'the first client does not hear ESP', sabotage: deafToEsp(named('client1')), red: ['alone/opened', 'alone/works', 'together/worked-before', 'together/heard', 'together/astray', 'any-daemon/worked-before', 'any-daemon/heard', 'any-daemon/astray', 'own-ports/first-works', 'tunnel-mode/first-works'] },
  { lesson: 'l2tp', rule: 'the second client does not hear ESP', sabotage: deafToEsp(named('client2')), red: ['together/astray', 'together/second-works', 'any-daemon/astray', 'any-daemon/second-works', 'own-ports/second-works', 'tunnel-mode/second-works'] },
  { lesson: 'l2tp', rule: 'the selectors have the address that the client gave itself (forged)', forge: selectors(['alone'], (told) => told.replace('203.0.113.1', '192.168.1.10')), red: ['alone/public'] },
  { lesson: 'l2tp', rule: 'the second one has another port (forged)', forge: selectors(troubled, (told, nth) => (nth === 2 ? told.replace(/1701\]$/, '1702]') : told)), red: ['together/equal-selectors', 'any-daemon/equal-selectors'] },
  { lesson: 'l2tp', rule: 'all have the same selectors (forged)', forge: selectors(cured, () => '203.0.113.2/32[17/1701] === 203.0.113.1/32[17/1701]'), red: ['own-ports/own-selectors', 'tunnel-mode/own-selectors'] },
  { lesson: 'l2tp', rule: 'the gateway sends by another SA as well (forged)', forge: (event, act) => (troubled.includes(act) && isEspPacket(event, 'gateway', 'out') ? anotherSpi(event) : event), red: ['together/last-wins', 'any-daemon/last-wins'] },
  { lesson: 'l2tp', rule: "what comes to the second comes by another's SA (forged)", forge: (event, act) => (cured.includes(act) && isEspPacket(event, 'client2', 'in') ? anotherSpi(event) : event), red: ['own-ports/own-sa', 'tunnel-mode/own-sa'] },
  { lesson: 'l2tp', rule: 'the server does not tell what it hears', sabotage: silentAbout(isGateway, (body) => body.kind === 'l2tp-heard'), red: ['together/heard', 'any-daemon/heard'] },
  { lesson: 'l2tp', rule: 'the second client does not tell what it throws away', sabotage: silentAbout(named('client2'), (body) => body.kind === 'drop'), red: ['together/astray', 'any-daemon/astray'] },
  { lesson: 'l2tp', rule: 'the tunnel does not open (forged)', forge: lost('client1 opens its tunnel'), red: ['alone/opened'] },
  { lesson: 'l2tp', rule: 'the first was never answered (forged)', forge: lost('client1, before'), red: ['together/worked-before', 'any-daemon/worked-before'] },
  { lesson: 'l2tp', rule: 'the first is not answered afterwards (forged)', forge: lost('client1, afterwards'), red: ['alone/works', 'own-ports/first-works', 'tunnel-mode/first-works'] },
  { lesson: 'l2tp', rule: 'the first is answered afterwards (forged)', forge: answered('client1, afterwards'), red: ['together/cut-off', 'any-daemon/cut-off'] },
  { lesson: 'l2tp', rule: 'the second is not answered (forged)', forge: lost('client2, afterwards'), red: ['together/second-works', 'any-daemon/second-works', 'own-ports/second-works', 'tunnel-mode/second-works'] },
];
