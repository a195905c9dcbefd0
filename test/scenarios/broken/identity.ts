/** Rules broken in `identity`, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import { concat, utf8 } from '../../../src/core/bytes.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { fromElsewhere, liar, pingLost, silentAbout, withPayload } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { connections, isClient, isGateway, routersForBoxes } from '../../support/sabotage.ts';

const name = utf8('alice.example');

/** What the client sends, on its way out. */
const said = (event: TraceEvent, change: (payload: Uint8Array) => Uint8Array): TraceEvent =>
  event.node === 'alice' && event.body.kind === 'packet' && event.body.direction === 'out' ? withPayload(event, change) : event;

const markedEncrypted = (payload: Uint8Array): Uint8Array => payload.map((octet, i) => (i === 19 ? octet | 1 : octet));

function renamed(payload: Uint8Array): Uint8Array {
  const at = Buffer.from(payload).indexOf(Buffer.from(name));
  return at < 0 ? payload : payload.map((octet, i) => (i === at ? octet ^ 0x20 : octet));
}

export const identityRules: readonly BrokenRule[] = [
  { lesson: 'identity', rule: 'the boxes are routers', sabotage: routersForBoxes, red: ['strict/translated', 'strict/refused', 'strict/no-tunnel', 'by-name/translated', 'lenient/translated', 'key-of-an-address-behind-nat/translated', 'key-of-an-address-behind-nat/no-key', 'key-of-an-address-behind-nat/before-the-identity', 'key-of-an-address-behind-nat/no-tunnel', 'key-of-anybody/translated', 'key-of-a-name/translated', 'certificate/translated', 'key-of-a-name-in-v2/translated'] },
  { lesson: 'identity', rule: 'a box where none should be (forged)', forge: (event) => (event.node === 'gateway' ? fromElsewhere(event, { address: ip('198.51.100.1') }) : event), red: ['control/untranslated', 'key-of-an-address/untranslated'] },
  { lesson: 'identity', rule: 'nobody is strict', sabotage: connections(isGateway, { addressIdentity: 'any' }), red: ['strict/refused', 'strict/no-tunnel'] },
  { lesson: 'identity', rule: 'the client says another name', sabotage: connections(isClient, { localIdentity: { type: 'fqdn', value: 'bob.example' } }), red: ['control/known-as', 'strict/refused', 'strict/no-tunnel', 'by-name/known-as', 'lenient/known-as', 'key-of-anybody/known-as', 'key-of-a-name/readable', 'key-of-a-name/works', 'certificate/known-as', 'certificate/works', 'key-of-a-name-in-v2/works'] },
  { lesson: 'identity', rule: 'the gateway says that somebody else is there', sabotage: liar(isGateway, 'ike-sa', () => ({ peerIdentity: 'mallory.example' })), red: ['control/known-as', 'by-name/known-as', 'lenient/known-as', 'key-of-anybody/known-as', 'certificate/known-as'] },
  { lesson: 'identity', rule: 'the gateway takes any address for the one of its key', sabotage: connections(isGateway, { remote: 'any' }), red: ['key-of-an-address/works', 'key-of-an-address-behind-nat/no-key', 'key-of-an-address-behind-nat/before-the-identity'] },
  { lesson: 'identity', rule: 'the gateway does not tell whom it refuses', sabotage: silentAbout(isGateway, (body) => body.kind === 'drop'), red: ['strict/refused', 'key-of-an-address-behind-nat/no-key'] },
  { lesson: 'identity', rule: 'the client does not tell that it has failed', sabotage: silentAbout(isClient, (body) => body.kind === 'ike-sa' && body.state === 'failed'), red: ['strict/no-tunnel', 'key-of-an-address-behind-nat/no-tunnel'] },
  { lesson: 'identity', rule: "the client's messages are encrypted from the first one on (forged)", forge: (event, act) => (act === 'key-of-an-address-behind-nat' ? said(event, markedEncrypted) : event), red: ['key-of-an-address-behind-nat/before-the-identity'] },
  { lesson: 'identity', rule: 'the first message names somebody else (forged)', forge: (event, act) => (act === 'key-of-a-name' ? said(event, renamed) : event), red: ['key-of-a-name/readable'] },
  { lesson: 'identity', rule: "the client's name stands behind every message (forged)", forge: (event, act) => (act.startsWith('c') || act.endsWith('v2') ? said(event, (payload) => concat(payload, name)) : event), red: ['certificate/hidden', 'key-of-a-name-in-v2/hidden'] },
  { lesson: 'identity', rule: 'the ping is lost (forged)', forge: pingLost('through the tunnel'), red: ['control/works', 'by-name/works', 'lenient/works', 'key-of-an-address/works', 'key-of-anybody/works', 'key-of-a-name/works', 'certificate/works', 'key-of-a-name-in-v2/works'] },
];
