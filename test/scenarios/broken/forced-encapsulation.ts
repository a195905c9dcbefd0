/** Rules broken in `forced-encapsulation`, and which checks notice. */
import { ip } from '../../../src/core/address.ts';
import type { Endpoint } from '../../../src/core/address.ts';
import { natDetectionHash } from '../../../src/crypto/nat-detection-hash.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { deafToEsp, fromElsewhere, liar, needlessUdp, pingAnswered, pingLost, repeatsItselfOn, silentAbout, withPayload } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { connections, ikeHeader, isClient, isGateway } from '../../support/sabotage.ts';
import type { Sabotage } from '../../support/sabotage.ts';

const withoutFirewall: Sabotage = {
  plan: (plan) => ({ ...plan, nodes: plan.nodes.map((node) => (node.kind === 'router' ? { kind: node.kind, name: node.name, interfaces: node.interfaces, routes: node.routes } : node)) }),
};

const client: Endpoint = { address: ip('198.51.100.10'), port: 500 };
const gateway: Endpoint = { address: ip('203.0.113.2'), port: 500 };

/** The source hash as it should have been, in the first message of a side, and what the other then concludes. */
const honest = (side: 'client' | 'gateway') => (event: TraceEvent): TraceEvent => {
  if (event.body.kind === 'nat-detection' && event.node === (side === 'client' ? 'gateway' : 'alice')) return { ...event, body: { ...event.body, remoteBehindNat: false } } as TraceEvent;
  return withPayload(event, (payload) => {
    const header = ikeHeader(payload);
    const at = Buffer.from(payload).indexOf(Buffer.from('001c00004004', 'hex')) + 6;
    if (header?.exchange !== 34 || header.flags.response === (side === 'client') || at < 6) return payload;
    const { address, port } = side === 'client' ? client : gateway;
    const hash = natDetectionHash(header.initiatorSpi, header.responderSpi, address, port);
    return payload.map((octet, i) => hash[i - at] ?? octet);
  });
};

const isUdpEsp = ({ body }: TraceEvent): boolean => body.kind === 'packet' && body.bytes[9] === 17 && Buffer.from(body.bytes).readUInt16BE(20) === 4500 && Buffer.from(body.bytes).readUInt32BE(28) !== 0;
const isIkeAuth = ({ body }: TraceEvent): boolean => body.kind === 'packet' && body.bytes[9] === 17 && body.bytes[46] === 35;
const isPlainEsp = ({ body }: TraceEvent): boolean => body.kind === 'packet' && body.direction === 'in' && body.bytes[9] === 50;

export const forcedEncapsulationRules: readonly BrokenRule[] = [
  { lesson: 'forced-encapsulation', rule: 'packets arrive from elsewhere (forged)', forge: (event) => (event.node === 'gateway' && event.body.kind === 'packet' && event.body.direction === 'in' ? fromElsewhere(event, { address: ip('192.0.2.1') }) : event), red: ['open/untranslated', 'closed/untranslated', 'closed/gateway-concludes', 'forced-by-client/untranslated', 'forced-by-gateway/untranslated'] },
  { lesson: 'forced-encapsulation', rule: 'nobody forces anything', sabotage: connections(() => true, { encapsulation: 'as-detected' }), red: ['forced-by-client/false-hash', 'forced-by-client/moves', 'forced-by-client/encapsulation', 'forced-by-client/data', 'forced-by-gateway/false-hash', 'forced-by-gateway/moves', 'forced-by-gateway/encapsulation', 'forced-by-gateway/data'] },
  { lesson: 'forced-encapsulation', rule: 'the client always forces it', sabotage: connections(isClient, { encapsulation: 'forced' }), red: ['open/encapsulation', 'closed/stays', 'closed/dies-at-the-firewall', 'closed/data', 'forced-by-gateway/client-concludes'] },
  { lesson: 'forced-encapsulation', rule: 'the firewall is a router', sabotage: withoutFirewall, red: ['closed/dies-at-the-firewall', 'closed/data'] },
  { lesson: 'forced-encapsulation', rule: 'ESP goes in UDP though no NAT is known', sabotage: needlessUdp, red: ['open/encapsulation', 'closed/dies-at-the-firewall', 'closed/data'] },
  { lesson: 'forced-encapsulation', rule: 'the gateway says of the client what the hashes do not', sabotage: liar(isGateway, 'nat-detection', ({ remoteBehindNat }: { remoteBehindNat: boolean }) => ({ remoteBehindNat: !remoteBehindNat })), red: ['closed/gateway-concludes', 'forced-by-client/gateway-concludes'] },
  { lesson: 'forced-encapsulation', rule: 'the client says of the gateway what the hashes do not', sabotage: liar(isClient, 'nat-detection', ({ remoteBehindNat }: { remoteBehindNat: boolean }) => ({ remoteBehindNat: !remoteBehindNat })), red: ['forced-by-gateway/client-concludes'] },
  { lesson: 'forced-encapsulation', rule: 'the client is honest (forged)', forge: (event, act) => (act === 'forced-by-client' ? honest('client')(event) : event), red: ['forced-by-client/false-hash'] },
  { lesson: 'forced-encapsulation', rule: 'the gateway is honest (forged)', forge: (event, act) => (act === 'forced-by-gateway' ? honest('gateway')(event) : event), red: ['forced-by-gateway/false-hash'] },
  { lesson: 'forced-encapsulation', rule: 'the client repeats its first message on 4500', sabotage: repeatsItselfOn(4500), red: ['forced-by-client/moves', 'forced-by-gateway/moves'] },
  { lesson: 'forced-encapsulation', rule: 'IKE_AUTH comes from another port (forged)', forge: (event, act) => (act === 'closed' && event.node === 'alice' && isIkeAuth(event) ? fromElsewhere(event, { port: 4500 }) : event), red: ['closed/stays'] },
  { lesson: 'forced-encapsulation', rule: 'the client does not tell that its tunnel is up', sabotage: silentAbout(isClient, (body) => body.kind === 'child-sa'), red: ['closed/up'] },
  { lesson: 'forced-encapsulation', rule: 'ESP passes the firewall (forged)', forge: (event) => (event.node === 'firewall' && isPlainEsp(event) ? { ...event, node: 'gateway' } : event), red: ['closed/dies-at-the-firewall'] },
  { lesson: 'forced-encapsulation', rule: 'ESP comes from another port (forged)', forge: (event) => (event.node === 'alice' && isUdpEsp(event) ? fromElsewhere(event, { port: 4501 }) : event), red: ['forced-by-client/encapsulation', 'forced-by-gateway/encapsulation'] },
  { lesson: 'forced-encapsulation', rule: 'the client does not hear ESP', sabotage: deafToEsp(isClient), red: ['open/data', 'forced-by-client/data', 'forced-by-gateway/data'] },
  { lesson: 'forced-encapsulation', rule: 'the ping through the firewall is answered (forged)', forge: (event, act) => (act === 'closed' ? pingAnswered('through the tunnel')(event) : event), red: ['closed/data'] },
  { lesson: 'forced-encapsulation', rule: 'the ping is lost (forged)', forge: pingLost('through the tunnel'), red: ['open/data', 'forced-by-client/data', 'forced-by-gateway/data'] },
];
