/** Rules broken in `nat-reboot`, and which checks notice. */
import type { TraceEvent } from '../../../src/trace/events.ts';
import { fromElsewhere, neverFollows, pingAnswered, pingLost, udpPacketOf, without } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes } from '../../support/sabotage.ts';

/** What comes to the gateway after the reboot comes from another port. */
const elsewhere = (): NonNullable<BrokenRule['forge']> => {
  let rebooted = '';
  return (event, act) => {
    if (event.body.kind === 'nat-control') rebooted = act;
    const arrived = rebooted === act && act === 'alone' && event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'in' ? udpPacketOf(event) : undefined;
    return arrived === undefined ? event : fromElsewhere(event, { port: 7 });
  };
};

const moves = (event: TraceEvent): TraceEvent => (event.body.kind === 'keepalive-sent' ? ({ ...event, node: 'gateway', body: { ...event.body, kind: 'peer-moved', story: 'forged' } } as unknown as TraceEvent) : event);

export const natRebootRules: readonly BrokenRule[] = [
  { lesson: 'nat-reboot', rule: 'the box gives ports at random', sabotage: boxes(({ ports }) => ({ ports: { ...ports, assignment: 'random' } })), red: ['alone/same-port', 'alone/there-again', 'swapped/swapped', 'swapped/astray'] },
  { lesson: 'nat-reboot', rule: 'the gateway never follows', sabotage: neverFollows, red: ['swapped/follows', 'swapped/first-again'] },
  { lesson: 'nat-reboot', rule: 'nothing is forgotten (forged)', forge: without('mapping-removed'), red: ['alone/rebooted', 'swapped/rebooted'] },
  { lesson: 'nat-reboot', rule: 'the keepalive comes from another port (forged)', forge: elsewhere(), red: ['alone/same-port'] },
  { lesson: 'nat-reboot', rule: 'the gateway moves without need (forged)', forge: moves, red: ['alone/nobody-moved'] },
  { lesson: 'nat-reboot', rule: 'the client is reached too early (forged)', forge: pingAnswered('too early'), red: ['alone/cut-off'] },
  { lesson: 'nat-reboot', rule: 'the keepalive does not help (forged)', forge: pingLost('after the keepalive'), red: ['alone/there-again'] },
  { lesson: 'nat-reboot', rule: 'the wrong client drops nothing (forged)', forge: without('drop'), red: ['swapped/astray'] },
  { lesson: 'nat-reboot', rule: 'the wrong client answers (forged)', forge: pingAnswered('to the first, astray'), red: ['swapped/lost'] },
  { lesson: 'nat-reboot', rule: 'the gateway does not tell that it follows (forged)', forge: without('peer-moved'), red: ['swapped/follows'] },
  { lesson: 'nat-reboot', rule: 'the first is not found again (forged)', forge: pingLost('to the first'), red: ['swapped/first-again'] },
  { lesson: 'nat-reboot', rule: 'the second is not found again (forged)', forge: pingLost('to the second'), red: ['swapped/second-again'] },
];
