/** Rules broken in `rebind`, and which checks notice. */
import type { TraceEvent } from '../../../src/trace/events.ts';
import { presetNamed } from '../../../src/nat/presets.ts';
import { each, neverFollows, pingAnswered, pingLost, rewritten, udpPacketOf, without } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, hasMarker } from '../../support/sabotage.ts';

const moving = ['by-esp', 'by-ike', 'before-rekey', 'during-rekey', 'after-rekey'];
const rekeying = ['before-rekey', 'during-rekey', 'after-rekey'];

/** What the gateway sends on 4500 goes elsewhere, if it is of this kind. */
const astray = (which: 'ike' | 'esp') => (event: TraceEvent): TraceEvent => {
  const packet = event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'out' ? udpPacketOf(event) : undefined;
  if (packet?.source.port !== 4500 || hasMarker(packet.payload) !== (which === 'ike')) return event;
  return rewritten(event, ({ destination, ...rest }) => ({ ...rest, destination: { ...destination, port: 7 } }));
};

export const rebindRules: readonly BrokenRule[] = [
  { lesson: 'rebind', rule: 'the box gives the same port again', sabotage: boxes(() => ({ mapping: 'endpoint-independent', ports: presetNamed('linux-masquerade')!.behaviour.ports })), red: ['by-esp/moved', 'by-esp/follows', 'by-ike/moved', 'by-ike/follows', 'before-rekey/moved', 'before-rekey/follows', 'during-rekey/moved', 'during-rekey/follows', 'during-rekey/repeated', 'during-rekey/gateway-again', 'after-rekey/moved', 'after-rekey/follows'] },
  { lesson: 'rebind', rule: 'the gateway never follows', sabotage: neverFollows, red: ['by-esp/follows', 'by-esp/data-follows', 'by-esp/ike-follows', 'by-esp/client-again', 'by-esp/gateway-again', 'by-ike/follows', 'by-ike/data-follows', 'by-ike/ike-follows', 'by-ike/client-again', 'by-ike/gateway-again', 'before-rekey/follows', 'before-rekey/data-follows', 'before-rekey/ike-follows', 'before-rekey/rekeyed', 'before-rekey/client-again', 'before-rekey/gateway-again', 'during-rekey/follows', 'during-rekey/data-follows', 'during-rekey/repeated', 'during-rekey/rekeyed', 'during-rekey/client-again', 'during-rekey/gateway-again', 'after-rekey/follows', 'after-rekey/data-follows', 'after-rekey/ike-follows', 'after-rekey/client-again', 'after-rekey/gateway-again'] },
  { lesson: 'rebind', rule: 'the gateway does not tell that it follows (forged)', forge: without('peer-moved'), red: each(moving, 'follows') },
  { lesson: 'rebind', rule: 'ESP goes astray (forged)', forge: astray('esp'), red: ['silent/old-place', ...each(moving, 'data-follows')] },
  { lesson: 'rebind', rule: 'IKE goes astray (forged)', forge: astray('ike'), red: [...each(['by-esp', 'by-ike', 'before-rekey', 'after-rekey'], 'ike-follows'), 'during-rekey/repeated'] },
  { lesson: 'rebind', rule: 'nobody tells of a child SA (forged)', forge: without('child-sa'), red: each(rekeying, 'rekeyed') },
  { lesson: 'rebind', rule: 'the client finds nobody (forged)', forge: pingLost('client to server'), red: ['silent/worked', ...each(moving, 'client-again')] },
  { lesson: 'rebind', rule: 'the gateway finds nobody (forged)', forge: pingLost('gateway to client'), red: each(moving, 'gateway-again') },
  { lesson: 'rebind', rule: 'the gateway finds the client that has gone (forged)', forge: pingAnswered('gateway to client'), red: ['silent/lost'] },
];
