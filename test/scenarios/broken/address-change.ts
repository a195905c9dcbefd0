/** Rules broken in `address-change`, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { fromElsewhere, pingAnswered, pingLost, udpPacketOf, without } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes } from '../../support/sabotage.ts';

const elsewhere = { address: ip('203.0.113.77') };
const to4500 = (event: TraceEvent) => (event.node === 'box' && event.body.kind === 'packet' && event.body.direction === 'out' && event.body.segment === 'internet' ? udpPacketOf(event) : undefined);

/** In this act, what leaves the box for port 4500 leaves from there. */
const leaving = (act: string, from: Parameters<typeof fromElsewhere>[1], which: (payload: Uint8Array) => boolean = () => true): NonNullable<BrokenRule['forge']> => (event, played) => {
  const packet = played === act ? to4500(event) : undefined;
  return packet?.destination.port === 4500 && which(packet.payload) ? fromElsewhere(event, from) : event;
};

export const addressChangeRules: readonly BrokenRule[] = [
  { lesson: 'address-change', rule: 'every box keeps its mappings', sabotage: boxes(() => ({ whenAddressChanges: 'keep' })), red: ['forgotten/follows', 'forgotten/client-works', 'forgotten/gateway-works'] },
  { lesson: 'address-change', rule: 'every box forgets its mappings', sabotage: boxes(() => ({ whenAddressChanges: 'forget' })), red: ['kept-alive/refreshed', 'kept-alive/unnoticed', 'kept-alive/client-lost', 'kept-alive/gateway-lost', 'noticed/noticed', 'noticed/refreshed', 'noticed/fails-again', 'silence/new-address'] },
  { lesson: 'address-change', rule: 'the tunnel never worked (forged)', forge: pingLost('client to server'), red: ['forgotten/changed', 'kept-alive/changed', 'noticed/changed', 'silence/changed'] },
  { lesson: 'address-change', rule: 'the gateway does not follow (forged)', forge: without('peer-moved'), red: ['forgotten/follows'] },
  { lesson: 'address-change', rule: 'the client does not notice (forged)', forge: (event) => (event.body.kind === 'peer-dead' ? ({ ...event, at: event.at + 1e6 } as TraceEvent) : event), red: ['noticed/noticed'] },
  { lesson: 'address-change', rule: 'somebody notices (forged)', forge: (event, act) => (act === 'kept-alive' && event.body.kind === 'table' ? ({ ...event, layer: 'ike', body: { kind: 'peer-dead', story: 'forged' } } as unknown as TraceEvent) : event), red: ['kept-alive/unnoticed'] },
  { lesson: 'address-change', rule: 'keepalives leave from the new address (forged)', forge: leaving('kept-alive', elsewhere, ({ length }) => length === 1), red: ['kept-alive/refreshed'] },
  { lesson: 'address-change', rule: 'the new attempt leaves from the new address (forged)', forge: leaving('noticed', elsewhere), red: ['noticed/refreshed'] },
  { lesson: 'address-change', rule: 'after the silence the old address is still used (forged)', forge: leaving('silence', { address: ip('203.0.113.1') }), red: ['silence/new-address'] },
  { lesson: 'address-change', rule: 'the new attempt does not fail (forged)', forge: without('ike-sa'), red: ['noticed/fails-again'] },
  { lesson: 'address-change', rule: 'the client finds nobody (forged)', forge: pingLost('client to server, after'), red: ['forgotten/client-works', 'silence/client-works'] },
  { lesson: 'address-change', rule: 'the gateway finds nobody (forged)', forge: pingLost('gateway to client, after'), red: ['forgotten/gateway-works', 'silence/gateway-works'] },
  { lesson: 'address-change', rule: 'the client is answered all the same (forged)', forge: pingAnswered('client to server, after'), red: ['kept-alive/client-lost'] },
  { lesson: 'address-change', rule: 'the gateway is answered all the same (forged)', forge: pingAnswered('gateway to client, after'), red: ['kept-alive/gateway-lost'] },
];
