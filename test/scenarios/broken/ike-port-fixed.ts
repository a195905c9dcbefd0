/** Rules broken in `ike-port-fixed`, and which checks notice. */
import { presetNamed } from '../../../src/nat/presets.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { fromElsewhere, pingLost, rewritten, silentAbout } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, connections, isClient, isGateway } from '../../support/sabotage.ts';

/** What leaves the box towards the gateway comes from the gateway as well. */
const echoed = (event: TraceEvent): TraceEvent =>
  event.node === 'box' && event.body.kind === 'packet' && event.body.interface === 'eth1' && event.body.direction === 'out' ? { ...event, node: 'gateway' } : event;

const isFromTheSecond = ({ body }: TraceEvent): boolean => body.kind === 'packet' && body.direction === 'in' && Buffer.from(body.bytes.subarray(12, 16)).equals(Buffer.of(192, 168, 1, 11));

export const ikePortFixedRules: readonly BrokenRule[] = [
  { lesson: 'ike-port-fixed', rule: 'the boxes keep ports where they can', sabotage: boxes(() => ({ mapping: 'endpoint-independent', ports: presetNamed('linux-masquerade')!.behaviour.ports })), red: ['translated/translated', 'translated/ignored', 'translated/gives-up', 'any-port/first-translated'] },
  { lesson: 'ike-port-fixed', rule: 'the gateway takes IKE from any port', sabotage: connections(isGateway, { peerPort: 'any' }), red: ['translated/ignored', 'translated/gives-up', 'by-luck/second-ignored'] },
  { lesson: 'ike-port-fixed', rule: 'the gateway insists on port 500 to the last', sabotage: connections(isGateway, { peerPort: 500 }), red: ['any-port/answered-there', 'any-port/first-works', 'any-port/second-works'] },
  { lesson: 'ike-port-fixed', rule: 'everything arrives from port 501 (forged)', forge: (event) => (event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'in' ? fromElsewhere(event, { port: 501 }) : event), red: ['no-nat/from-500', 'pinned/from-500', 'any-port/answered-there'] },
  { lesson: 'ike-port-fixed', rule: 'everything arrives from port 500 (forged)', forge: (event) => (event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'in' ? fromElsewhere(event, { port: 500 }) : event), red: ['translated/translated', 'by-luck/translated', 'any-port/first-translated', 'any-port/second-translated', 'any-port/answered-there'] },
  { lesson: 'ike-port-fixed', rule: 'the gateway answers what it should not (forged)', forge: (event, act) => (act === 'translated' || act === 'by-luck' ? echoed(event) : event), red: ['translated/ignored', 'by-luck/second-ignored'] },
  { lesson: 'ike-port-fixed', rule: "the second client's messages come to the gateway (forged)", forge: (event, act) => (act === 'pinned' && event.node === 'box' && isFromTheSecond(event) ? { ...event, node: 'gateway' } : event), red: ['pinned/second-dies'] },
  { lesson: 'ike-port-fixed', rule: 'the client does not tell that it has failed', sabotage: silentAbout(isClient, (body) => body.kind === 'ike-sa' && body.state === 'failed'), red: ['translated/gives-up'] },
  {
    lesson: 'ike-port-fixed',
    rule: 'the gateway answers to port 500 (forged)',
    forge: (event, act) => (act === 'any-port' && event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'out' ? rewritten(event, (packet) => ({ ...packet, destination: { ...packet.destination, port: 500 } })) : event),
    red: ['any-port/answered-there'],
  },
  { lesson: 'ike-port-fixed', rule: 'the ping of a client alone is lost (forged)', forge: pingLost('of alice'), red: ['no-nat/works'] },
  { lesson: 'ike-port-fixed', rule: 'the ping of the first client is lost (forged)', forge: pingLost('of client1'), red: ['by-luck/first-works', 'pinned/first-works', 'any-port/first-works'] },
  { lesson: 'ike-port-fixed', rule: 'the ping of the second client is lost (forged)', forge: pingLost('of client2'), red: ['any-port/second-works'] },
];
