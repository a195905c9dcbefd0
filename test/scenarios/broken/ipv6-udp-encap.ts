/** Rules broken in `ipv6-udp-encap`, and which checks notice. */
import { preSharedKey } from '../../../src/ike/config.ts';
import type { FirewallProtocol } from '../../../src/sim/firewall.ts';
import type { TraceEvent } from '../../../src/trace/events.ts';
import { deafToEsp, fromElsewhere, needlessUdp, pingAnswered, pingLost, plainEsp, silentAbout, udpPacketOf } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, connections, hasMarker, isClient, isGateway } from '../../support/sabotage.ts';
import type { Sabotage } from '../../support/sabotage.ts';

/** Where the checksum of UDP stands behind a header of IPv6. */
const udpChecksum = 46;

/** On the shared port, and neither marked nor a keepalive. */
function isEspInUdp(event: TraceEvent): boolean {
  const packet = udpPacketOf(event);
  return packet?.destination.port === 4500 && packet.payload.length > 8 && !hasMarker(packet.payload);
}

const at = (node: string, forge: (event: TraceEvent) => TraceEvent) => (event: TraceEvent): TraceEvent => (event.node === node && isEspInUdp(event) ? forge(event) : event);

const arrivingFromElsewhere = (event: TraceEvent): TraceEvent => (event.body.kind === 'packet' && event.body.direction === 'in' ? fromElsewhere(event, { port: 4501 }) : event);

function wrongChecksum(event: TraceEvent): TraceEvent {
  if (event.body.kind !== 'packet' || event.body.bytes[0]! >>> 4 !== 6) return event;
  return { ...event, body: { ...event.body, bytes: event.body.bytes.map((octet, i) => (i === udpChecksum ? octet ^ 1 : octet)) } } as TraceEvent;
}

const ofTheOtherVersion = (event: TraceEvent): TraceEvent =>
  event.body.kind === 'inner' && event.node === 'gateway' ? ({ ...event, body: { ...event.body, bytes: event.body.bytes.map((octet, i) => (i === 0 ? octet ^ 0x20 : octet)) } } as TraceEvent) : event;

const deliveredAllTheSame = (event: TraceEvent, act: string): TraceEvent =>
  act === 'zero' && event.body.kind === 'inner' ? ({ ...event, node: 'gateway', body: { ...event.body, direction: 'delivered' } } as TraceEvent) : event;

const firewallOf = (...passes: readonly FirewallProtocol[]): Sabotage => ({ plan: (plan) => ({ ...plan, nodes: plan.nodes.map((node) => (node.kind === 'router' ? { ...node, passes } : node)) }) });
const udpChecksums = (udpChecksum: 'zero' | 'computed'): Sabotage => ({ config: (config) => ({ ...config, udpChecksum }) });

export const ipv6UdpEncapRules: readonly BrokenRule[] = [
  { lesson: 'ipv6-udp-encap', rule: 'nobody forces anything', sabotage: connections(() => true, { encapsulation: 'as-detected' }), red: ['forced/untranslated', 'forced/encapsulation', 'forced/checksums', 'forced/data', 'zero/zero', '4-in-6/inner', '4-in-6/encapsulation', '4-in-6/checksums', '4-in-6/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'the client always forces encapsulation', sabotage: connections(isClient, { encapsulation: 'forced' }), red: ['plain/no-nat', 'plain/encapsulation', 'firewalled/no-nat', 'firewalled/dies', 'firewalled/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'the firewall lets everything pass', sabotage: firewallOf('udp', 'tcp', 'icmp', 'esp', 'ah'), red: ['firewalled/dies', 'firewalled/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'the firewall lets ESP pass, and the gateway hears none', sabotage: { ...firewallOf('udp', 'icmp', 'esp'), ...deafToEsp(isGateway) }, red: ['plain/data', 'firewalled/dies', 'forced/checksums', 'forced/data', '4-in-6/inner', '4-in-6/checksums', '4-in-6/data', '6-in-4/inner', '6-in-4/checksums', '6-in-4/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'nobody leaves a checksum out', sabotage: udpChecksums('computed'), red: ['zero/zero', 'zero/untaken', 'zero/data', '6-in-4/checksums'] },
  { lesson: 'ipv6-udp-encap', rule: 'everybody leaves the checksum out', sabotage: udpChecksums('zero'), red: ['forced/outer', 'forced/encapsulation', 'forced/checksums', 'forced/data', '4-in-6/outer', '4-in-6/inner', '4-in-6/encapsulation', '4-in-6/checksums', '4-in-6/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'the client does not look for a NAT', sabotage: connections(isClient, { natTraversal: false }), red: ['plain/no-nat', 'firewalled/no-nat', 'forced/untranslated', 'forced/encapsulation', 'forced/checksums', 'forced/data', 'zero/zero', '4-in-6/inner', '4-in-6/encapsulation', '4-in-6/checksums', '4-in-6/data', '6-in-4/encapsulation', '6-in-4/checksums'] },
  { lesson: 'ipv6-udp-encap', rule: 'the gateway does not say whether it found a NAT', sabotage: silentAbout(isGateway, (body) => body.kind === 'nat-detection'), red: ['plain/no-nat', 'firewalled/no-nat'] },
  { lesson: 'ipv6-udp-encap', rule: 'the client has another key', sabotage: connections(isClient, { authentication: preSharedKey('not the same') }), red: ['plain/outer', 'plain/encapsulation', 'plain/data', 'firewalled/outer', 'firewalled/agreed', 'firewalled/dies', 'forced/outer', 'forced/untranslated', 'forced/encapsulation', 'forced/checksums', 'forced/data', 'zero/zero', 'zero/untaken', '4-in-6/outer', '4-in-6/inner', '4-in-6/encapsulation', '4-in-6/checksums', '4-in-6/data', '6-in-4/outer', '6-in-4/inner', '6-in-4/encapsulation', '6-in-4/checksums', '6-in-4/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'ESP goes plain though a NAT is known', sabotage: plainEsp, red: ['forced/untranslated', 'forced/encapsulation', 'forced/checksums', 'forced/data', 'zero/zero', '4-in-6/inner', '4-in-6/encapsulation', '4-in-6/checksums', '4-in-6/data', '6-in-4/encapsulation', '6-in-4/checksums'] },
  { lesson: 'ipv6-udp-encap', rule: 'ESP goes in UDP though there is no NAT', sabotage: needlessUdp, red: ['plain/encapsulation', 'firewalled/dies', 'firewalled/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'the gateway hears no ESP', sabotage: deafToEsp(isGateway), red: ['plain/data', 'forced/checksums', 'forced/data', '4-in-6/inner', '4-in-6/checksums', '4-in-6/data', '6-in-4/inner', '6-in-4/checksums', '6-in-4/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'the gateway does not tell that its tunnel is up', sabotage: silentAbout(isGateway, (body) => body.kind === 'child-sa'), red: ['firewalled/agreed', 'zero/untaken'] },
  { lesson: 'ipv6-udp-encap', rule: 'the box lets nothing to port 4500 pass', sabotage: boxes(() => ({ blockedUdpPorts: [4500] })), red: ['6-in-4/outer', '6-in-4/inner', '6-in-4/encapsulation', '6-in-4/checksums', '6-in-4/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'the checksums of the gateway do not fit (forged)', forge: at('gateway', wrongChecksum), red: ['forced/checksums', '4-in-6/checksums'] },
  { lesson: 'ipv6-udp-encap', rule: 'ESP in UDP arrives at the gateway from another port (forged)', forge: at('gateway', arrivingFromElsewhere), red: ['forced/untranslated'] },
  { lesson: 'ipv6-udp-encap', rule: 'ESP in UDP arrives at the client from another port (forged)', forge: at('alice', arrivingFromElsewhere), red: ['forced/encapsulation', '4-in-6/encapsulation', '6-in-4/encapsulation'] },
  { lesson: 'ipv6-udp-encap', rule: 'what comes out of the tunnel is of the other version (forged)', forge: ofTheOtherVersion, red: ['4-in-6/inner', '6-in-4/inner'] },
  { lesson: 'ipv6-udp-encap', rule: 'something comes out of the tunnel all the same (forged)', forge: deliveredAllTheSame, red: ['zero/untaken'] },
  { lesson: 'ipv6-udp-encap', rule: 'the ping is lost (forged)', forge: pingLost('through the tunnel'), red: ['plain/data', 'forced/data', '4-in-6/data', '6-in-4/data'] },
  { lesson: 'ipv6-udp-encap', rule: 'the ping is answered (forged)', forge: pingAnswered('through the tunnel'), red: ['firewalled/data', 'zero/data'] },
];
