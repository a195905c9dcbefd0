/** Rules broken in `remote-access`, and which checks notice. */
import type { TraceEvent } from '../../../src/trace/events.ts';
import { ip } from '../../../src/core/address.ts';
import type { ConnectionConfig, Gifts, V1Settings } from '../../../src/ike/config.ts';
import { decodeIpv4, encodeIpv4 } from '../../../src/wire/ipv4.ts';
import { fromElsewhere, liar, pingAnswered, pingLost, silentAbout, udpPacketOf } from '../../support/breaking.ts';
import type { BrokenRule } from '../../support/breaking.ts';
import { boxes, ikeConfig, ikeHeader, isClient, isGateway, named, routersForBoxes } from '../../support/sabotage.ts';
import type { Sabotage } from '../../support/sabotage.ts';

const website = ip('203.0.113.10');
const server = ip('10.99.0.10');
const transaction = 6;
const ikeAuth = 35;

/** The settings of IKEv1 on the gateway otherwise. */
const atTheGateway = (change: (settings: V1Settings) => Partial<V1Settings>): Sabotage =>
  ikeConfig(isGateway, ({ connections }) => ({ connections: connections.map((one): ConnectionConfig => (one.ike.version === 'v1' ? { ...one, ike: { ...one.ike, ...change(one.ike) } } : one)) }));

const withoutNetworks = ({ netmask, dns }: Gifts): Gifts => ({ ...(netmask && { netmask }), ...(dns && { dns }) });

const exchangeOf = (event: TraceEvent): number | undefined => {
  const packet = udpPacketOf(event);
  return packet && [packet.source.port, packet.destination.port].some((port) => port === 500 || port === 4500) ? ikeHeader(packet.payload)?.exchange : undefined;
};
const isFirstOfPhaseOne = (event: TraceEvent): boolean => {
  const packet = udpPacketOf(event);
  return packet !== undefined && packet.source.port === 500 && ikeHeader(packet.payload)?.responderSpi.every((octet) => octet === 0) === true;
};
const isSent = ({ body }: TraceEvent, by: (node: string) => boolean, node: string): boolean => body.kind === 'packet' && body.direction === 'out' && by(node);
const isWarrior = (node: string): boolean => ['ann', 'bob', 'carol'].includes(node);

const destinationOf = (bytes: Uint8Array): string | undefined => {
  const packet = decodeIpv4(bytes);
  return packet.ok && packet.value.protocol === 1 ? packet.value.destination : undefined;
};

/** A ping in the clear as if it had been for the office. */
function forTheOffice(event: TraceEvent): TraceEvent {
  if (event.node !== 'ann' || event.body.kind !== 'packet' || destinationOf(event.body.bytes) !== website) return event;
  const packet = decodeIpv4(event.body.bytes);
  return packet.ok ? ({ ...event, body: { ...event.body, bytes: encodeIpv4({ ...packet.value, destination: server }) } } as TraceEvent) : event;
}

export const remoteAccessRules: readonly BrokenRule[] = [
  { lesson: 'remote-access', rule: 'nobody is asked for a password (forged)', forge: (event) => (exchangeOf(event) === transaction ? undefined : event), red: ['wrong-password/asked', 'let-in/order'] },
  { lesson: 'remote-access', rule: 'the gateway takes the old password, too', sabotage: atTheGateway(({ xauth }) => (xauth !== undefined && xauth !== 'none' && 'users' in xauth ? { xauth: { users: { ...xauth.users, bob: 'banana' } } } : {})), red: ['wrong-password/told-why', 'wrong-password/nothing-given'] },
  { lesson: 'remote-access', rule: 'who is not let in does not say so', sabotage: silentAbout(named('bob'), (body) => body.kind === 'ike-sa' && body.state === 'failed'), red: ['wrong-password/told-why', 'one-at-a-time/give-up'] },
  { lesson: 'remote-access', rule: 'an address goes to who does not know the password (forged)', forge: (event, act) => (act === 'wrong-password' && event.node === 'carol' && event.body.kind === 'virtual-address' ? { ...event, node: 'bob' } : event), red: ['wrong-password/nothing-given'] },
  { lesson: 'remote-access', rule: 'a ping to the office is lost (forged)', forge: pingLost('ann to the office'), red: ['wrong-password/others', 'let-in/office', 'everything/office', 'split/office', 'one-at-a-time/first-works', 'all-in/office', 'ikev2/office'] },
  { lesson: 'remote-access', rule: 'the box is a router', sabotage: routersForBoxes, red: ['let-in/translated', 'one-at-a-time/pinned', 'one-at-a-time/never-out', 'one-at-a-time/give-up', 'all-in/pinned', 'all-in/moved'] },
  { lesson: 'remote-access', rule: 'all are given one address', sabotage: liar(isClient, 'virtual-address', () => ({ address: '10.98.0.1' })), red: ['let-in/addresses', 'all-in/addresses', 'ikev2/addresses'] },
  { lesson: 'remote-access', rule: 'the gateway gives no DNS server', sabotage: atTheGateway(({ gifts }) => ({ gifts: { ...gifts, dns: [] } })), red: ['let-in/besides'] },
  { lesson: 'remote-access', rule: 'the gateway names no network', sabotage: atTheGateway(({ gifts = {} }) => ({ gifts: withoutNetworks(gifts) })), red: ['split/network', 'split/web', 'split/past-the-tunnel'] },
  { lesson: 'remote-access', rule: 'nobody knows what is behind the tunnel', sabotage: liar(isClient, 'virtual-address', () => ({ networks: [] })), red: ['everything/no-network', 'split/network', 'ikev2/narrowed'] },
  { lesson: 'remote-access', rule: 'a ping to a website is answered (forged)', forge: pingAnswered('ann to a website'), red: ['everything/web'] },
  { lesson: 'remote-access', rule: 'a ping to a website is lost (forged)', forge: pingLost('ann to a website'), red: ['split/web', 'ikev2/web'] },
  { lesson: 'remote-access', rule: 'nothing comes out of the tunnels (forged)', forge: (event) => (event.body.kind === 'inner' && event.node === 'gateway' ? undefined : event), red: ['everything/swallowed'] },
  { lesson: 'remote-access', rule: 'no ping in the clear leaves the box (forged)', forge: (event) => (event.node === 'box' && event.body.kind === 'packet' && destinationOf(event.body.bytes) === website ? undefined : event), red: ['split/past-the-tunnel', 'ikev2/past-the-tunnel'] },
  { lesson: 'remote-access', rule: 'a ping to the office goes in the clear (forged)', forge: forTheOffice, red: ['split/in-the-tunnel', 'ikev2/in-the-tunnel'] },
  { lesson: 'remote-access', rule: 'the box translates port 500 like any other', sabotage: boxes(({ pinned }) => ({ pinned: { ...pinned, ports: [] } })), red: ['one-at-a-time/pinned', 'one-at-a-time/never-out', 'one-at-a-time/give-up', 'all-in/pinned'] },
  { lesson: 'remote-access', rule: 'something of the second comes out of the box (forged)', forge: (event, act) => (act === 'one-at-a-time' && event.node === 'bob' && event.at < 1000 && isFirstOfPhaseOne(event) ? ({ ...event, node: 'box', body: { ...event.body, interface: 'eth1' } } as TraceEvent) : event), red: ['one-at-a-time/never-out'] },
  { lesson: 'remote-access', rule: 'it moves only later (forged)', forge: (event) => (isSent(event, isWarrior, event.node) && exchangeOf(event) !== undefined ? fromElsewhere(event, { port: 500 }) : event), red: ['all-in/moved'] },
  { lesson: 'remote-access', rule: 'a message of IKE_AUTH is missing (forged)', forge: (event) => (event.node === 'ann' && exchangeOf(event) === ikeAuth ? undefined : event), red: ['ikev2/four-messages'] },
];
