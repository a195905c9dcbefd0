/** Rules broken in `helper`, and which checks notice. */
import type { TraceEvent } from '../../../src/trace/events.ts';
import { fromElsewhere, pingLost, rewritten, udpPacketOf } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, connections, isClient, looksLikeIke } from '../../support/sabotage.ts';

const firstClients = ['client1', 'alice'];
const passing = (event: TraceEvent, direction: 'in' | 'out') => (event.body.kind === 'packet' && event.body.direction === direction ? udpPacketOf(event) : undefined);
const isEncrypted = (payload: Uint8Array): boolean => (payload[19]! & 1) !== 0;

/** What the gateway hears first is what the client said, untouched. */
const notTakenOut = (): NonNullable<BrokenRule['forge']> => {
  const said = new Map<string, Uint8Array>();
  return (event, act) => {
    const sent = firstClients.includes(event.node) ? passing(event, 'out') : undefined;
    if (sent !== undefined && !said.has(act)) said.set(act, sent.payload);
    const original = said.get(act);
    const arrived = event.node === 'gateway' ? passing(event, 'in') : undefined;
    return arrived !== undefined && original !== undefined && looksLikeIke(arrived.payload) && arrived.payload[18] === original[18] && !isEncrypted(arrived.payload) ? rewritten(event, (packet) => ({ ...packet, payload: original })) : event;
  };
};

const withoutFailure = (who: string) => (event: TraceEvent): TraceEvent | undefined => (event.node === who && event.body.kind === 'ike-sa' && event.body.state === 'failed' ? undefined : event);

const withoutEsp = (event: TraceEvent): TraceEvent | undefined => {
  if (!firstClients.includes(event.node) || event.body.kind !== 'packet') return event;
  const packet = udpPacketOf(event);
  return packet !== undefined && looksLikeIke(packet.payload) ? event : undefined;
};

export const helperRules: readonly BrokenRule[] = [
  { lesson: 'helper', rule: 'the box does not help', sabotage: boxes(() => ({ helpers: [] })), red: ['stripped/taken-out', 'stripped/nobody-looks', 'stripped/stays', 'stripped/encapsulation', 'stripped/second-out', 'ikev2/taken-out', 'ikev2/found-out', 'ikev2/refused'] },
  { lesson: 'helper', rule: 'the clients do not announce NAT traversal', sabotage: connections(isClient, { natTraversal: false }), red: ['stripped/offered', 'stripped/nobody-looks', 'start-on-4500/untouched', 'start-on-4500/encapsulation', 'start-on-4500/client2-works', 'ikev2/offered', 'ikev2/found-out', 'ikev2/refused', 'ikev2-start-on-4500/untouched', 'ikev2-start-on-4500/encapsulation'] },
  { lesson: 'helper', rule: 'nothing is taken out (forged)', forge: notTakenOut(), red: ['stripped/taken-out', 'ikev2/taken-out'] },
  {
    lesson: 'helper',
    rule: 'they do look for a NAT (forged)',
    forge: (event) => (event.body.kind === 'nat-detection' ? ({ ...event, body: { ...event.body, supported: true } } as TraceEvent) : event),
    red: ['stripped/nobody-looks'],
  },
  {
    lesson: 'helper',
    rule: 'the client leaves port 500 (forged)',
    forge: (event, act) => {
      const sent = act === 'stripped' && event.node === 'client1' ? passing(event, 'out') : undefined;
      return sent !== undefined && isEncrypted(sent.payload) ? fromElsewhere(event, { port: 501 }) : event;
    },
    red: ['stripped/stays'],
  },
  { lesson: 'helper', rule: 'nobody sends ESP (forged)', forge: withoutEsp, red: ['stripped/encapsulation', 'start-on-4500/encapsulation', 'ikev2-start-on-4500/encapsulation'] },
  {
    lesson: 'helper',
    rule: 'what is said to 4500 comes to another port (forged)',
    forge: (event) => (event.node === 'gateway' && passing(event, 'in') !== undefined ? rewritten(event, ({ destination, ...rest }) => ({ ...rest, destination: { ...destination, port: destination.port === 4500 ? 4501 : destination.port } })) : event),
    red: ['start-on-4500/untouched', 'ikev2-start-on-4500/untouched'],
  },
  { lesson: 'helper', rule: 'the first client finds nobody (forged)', forge: pingLost('the first'), red: ['stripped/first-works'] },
  { lesson: 'helper', rule: 'the second client is still trying (forged)', forge: withoutFailure('client2'), red: ['stripped/second-out'] },
  { lesson: 'helper', rule: 'one that starts on 4500 finds nobody (forged)', forge: pingLost('of client1'), red: ['start-on-4500/client1-works'] },
  { lesson: 'helper', rule: 'the other one that does finds nobody (forged)', forge: pingLost('of client2'), red: ['start-on-4500/client2-works'] },
  { lesson: 'helper', rule: 'the gateway finds nothing wrong (forged)', forge: withoutFailure('gateway'), red: ['ikev2/found-out'] },
  { lesson: 'helper', rule: 'the client is not refused (forged)', forge: withoutFailure('alice'), red: ['ikev2/refused'] },
  { lesson: 'helper', rule: 'past the helper nobody answers (forged)', forge: pingLost('past the helper'), red: ['ikev2-start-on-4500/works'] },
];
