/** Rules broken in `carrier`, and which checks notice. */
import type { TraceEvent } from '../../../src/trace/events.ts';
import { pingLost, without } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes } from '../../support/sabotage.ts';

const neverGivesUp = (event: TraceEvent): TraceEvent | undefined => (event.node === 'anna' && event.body.kind === 'ike-sa' && event.body.state === 'failed' ? undefined : event);

export const carrierRules: readonly BrokenRule[] = [
  { lesson: 'carrier', rule: 'nobody is seen between the boxes (forged)', forge: (event) => (event.body.kind === 'packet' && event.body.segment === 'access' ? undefined : event), red: ['twice/translated-twice'] },
  { lesson: 'carrier', rule: 'the carrier has ports for everybody', sabotage: boxes(({ ports }) => ({ ports: { ...ports, blocks: false } })), red: ['runs-out/refused', 'runs-out/gets-nowhere'] },
  {
    lesson: 'carrier',
    rule: 'the gateway believes itself behind a NAT (forged)',
    forge: (event) => (event.node === 'gateway' && event.body.kind === 'nat-detection' ? ({ ...event, body: { ...event.body, localBehindNat: true } } as TraceEvent) : event),
    red: ['twice/one-nat'],
  },
  { lesson: 'carrier', rule: 'nobody looks into the table (forged)', forge: without('table'), red: ['runs-out/used-up', 'start-on-4500/one-port-each'] },
  { lesson: 'carrier', rule: 'the carrier drops nothing (forged)', forge: without('drop'), red: ['runs-out/refused'] },
  { lesson: 'carrier', rule: 'the second never gives up (forged)', forge: neverGivesUp, red: ['runs-out/gets-nowhere'] },
  { lesson: 'carrier', rule: 'the first is not served (forged)', forge: pingLost('of alice'), red: ['twice/alice-works', 'runs-out/alice-works', 'start-on-4500/alice-works'] },
  { lesson: 'carrier', rule: 'the second is not served (forged)', forge: pingLost('of anna'), red: ['start-on-4500/anna-works'] },
  { lesson: 'carrier', rule: 'the neighbour is not served (forged)', forge: pingLost('of bob'), red: ['twice/bob-works', 'runs-out/bob-works', 'start-on-4500/bob-works'] },
];
