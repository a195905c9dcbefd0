/** What a box says of itself: rows for people, and the sentences that its events carry. */
import { describeEndpoint, ipv4FromNumber, type Endpoint } from '../core/address.ts';
import type { MappedProtocol, Mapping, NatEvent } from '../core/events.ts';
import { describeDuration, type Duration } from '../core/time.ts';
import type { NumericEndpoint, Row, RowFields } from './table.ts';

export const endpointOf = ({ address, port }: NumericEndpoint): Endpoint => ({ address: ipv4FromNumber(address), port });

export const mappingOf = (row: Row, expiresIn: Duration): Mapping => ({
  protocol: row.protocol,
  inside: endpointOf(row.inside),
  outside: endpointOf(row.outside),
  remote: endpointOf(row.remote),
  replied: row.replied,
  expiresIn,
});

/** What the sentences are about: a row of this box's table, or of a kernel's. */
export type ToldRow = Omit<RowFields, 'shared' | 'crowded'>;

/** `10.0.0.2:500`; ESP and AH have no port, an ICMP query's is its identifier, a PPTP call's its call ID. */
export function named(protocol: MappedProtocol, endpoint: NumericEndpoint): string {
  switch (protocol) {
    case 'udp':
    case 'tcp':
      return describeEndpoint(endpointOf(endpoint));
    case 'icmp':
      return `${ipv4FromNumber(endpoint.address)} (query ${endpoint.port})`;
    case 'gre':
      return `${ipv4FromNumber(endpoint.address)} (call ${endpoint.port})`;
    case 'esp':
    case 'ah':
      return ipv4FromNumber(endpoint.address);
  }
}

const protocolNames: Record<MappedProtocol, string> = { udp: 'UDP', tcp: 'TCP', icmp: 'ICMP', esp: 'ESP', ah: 'AH', gre: 'GRE' };

/** `UDP 10.0.0.2:500 ⇄ 203.0.113.1:500` */
const both = ({ protocol, inside, outside }: ToldRow): string => `${protocolNames[protocol]} ${named(protocol, inside)} ⇄ ${named(protocol, outside)}`;

const remoteOf = ({ protocol, remote }: ToldRow): string => (protocol === 'icmp' || protocol === 'gre' ? ipv4FromNumber(remote.address) : named(protocol, remote));

export function created(box: string, row: ToldRow, lifetime: Duration): string {
  const life = `if nothing refreshes it, it lives ${describeDuration(lifetime)}`;
  if (row.origin === 'outside') return `${box} hands ${remoteOf(row)} on through its forwarded ${named(row.protocol, row.outside)} to ${named(row.protocol, row.inside)}; ${life}`;
  return `${box} maps ${both(row)} ${howThePortFared(row)}for ${remoteOf(row)}; ${life}`;
}

function howThePortFared({ protocol, inside, outside }: ToldRow): string {
  if (protocol === 'esp' || protocol === 'ah') return '';
  return inside.port === outside.port ? '(its port kept) ' : `(${inside.port} became ${outside.port}) `;
}

export const expired = (box: string, row: ToldRow, lifetime: Duration): string =>
  `${box} forgets ${both(row)} for ${remoteOf(row)}: nothing refreshed it for ${describeDuration(lifetime)}, and what now comes to ${named(row.protocol, row.outside)} finds no way in`;

export type Removal = Extract<NatEvent, { kind: 'mapping-removed' }>['why'];

const whyRemoved: Record<Removal, string> = {
  flushed: 'its table was flushed',
  stolen: 'another client took its place',
  evicted: 'there was no room left, and it was the oldest',
  reboot: 'it rebooted',
  'address-changed': 'its outside address is another one now',
};

export const removed = (box: string, row: ToldRow, why: Removal): string => `${box} takes away ${both(row)} for ${remoteOf(row)}: ${whyRemoved[why]}`;
