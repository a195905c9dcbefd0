/** Rules broken in `split-ports`, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { pingLost, rewritten, udpPacketOf } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, connections, hasMarker, isGateway } from '../../support/sabotage.ts';

type Kind = 'ike' | 'esp';

/** What passes the gateway on 4500 comes from elsewhere, or goes there. */
const elsewhere = (direction: 'in' | 'out', kind: Kind, address = '203.0.113.77') => (event: TraceEvent): TraceEvent => {
  const packet = event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === direction ? udpPacketOf(event) : undefined;
  if (packet?.destination.port !== 4500 || hasMarker(packet.payload) !== (kind === 'ike')) return event;
  const end = direction === 'in' ? 'source' : 'destination';
  return rewritten(event, (honest) => ({ ...honest, [end]: { ...honest[end], address: ip(address) } }));
};

const inAct = (wanted: string, forge: (event: TraceEvent) => TraceEvent | undefined) => (event: TraceEvent, act: string): TraceEvent | undefined => (act === wanted ? forge(event) : event);

const isUp = ({ body }: TraceEvent): boolean => body.kind === 'ike-sa' && body.state === 'established';

/** The client's tunnel, told of in the act in which it gets none. */
const tunnelTold = (event: TraceEvent): TraceEvent => (event.node === 'alice' && event.body.kind === 'ike-sa' ? ({ ...event, body: { ...event.body, kind: 'child-sa', state: 'established', story: 'forged' } } as unknown as TraceEvent) : event);

const firstFromElsewhere = (event: TraceEvent): TraceEvent => {
  const packet = event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'in' ? udpPacketOf(event) : undefined;
  return packet?.destination.port === 500 ? rewritten(event, (honest) => ({ ...honest, source: { ...honest.source, address: ip('203.0.113.77') } })) : event;
};

export const splitPortsRules: readonly BrokenRule[] = [
  { lesson: 'split-ports', rule: 'the box has one line', sabotage: boxes(({ pool }) => ({ pool: { ...pool, byRemotePort: { 500: 0, 4500: 0 } } })), red: ['follows/two-lines', 'strict/two-lines', 'strict/refused', 'strict/no-tunnel', 'one-line/of-4500', 'one-line/works'] },
  { lesson: 'split-ports', rule: 'the gateway is strict with nobody', sabotage: connections(isGateway, { addressIdentity: 'any' }), red: ['strict/refused', 'strict/no-tunnel'] },
  { lesson: 'split-ports', rule: 'the gateway has two IKE SAs, or none (forged)', forge: (event) => (event.node === 'gateway' && isUp(event) ? undefined : event), red: ['follows/one-sa'] },
  { lesson: 'split-ports', rule: 'answers go elsewhere (forged)', forge: elsewhere('out', 'ike'), red: ['follows/answers'] },
  { lesson: 'split-ports', rule: 'ESP goes elsewhere (forged)', forge: elsewhere('out', 'esp'), red: ['follows/esp'] },
  { lesson: 'split-ports', rule: 'ESP comes from elsewhere (forged)', forge: elsewhere('in', 'esp'), red: ['follows/esp', 'one-line/one-address'] },
  { lesson: 'split-ports', rule: 'the first message comes from elsewhere (forged)', forge: inAct('strict', firstFromElsewhere), red: ['strict/fitted'] },
  { lesson: 'split-ports', rule: 'the gateway does not tell whom it refuses (forged)', forge: (event) => (event.body.kind === 'drop' && event.node === 'gateway' ? undefined : event), red: ['strict/refused'] },
  { lesson: 'split-ports', rule: 'there is a tunnel for him who was refused (forged)', forge: inAct('strict', tunnelTold), red: ['strict/no-tunnel'] },
  { lesson: 'split-ports', rule: 'the ping is lost (forged)', forge: pingLost('client to server'), red: ['follows/works', 'one-line/works'] },
];
