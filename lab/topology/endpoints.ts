/** The endpoints' configuration: what a topology says of a host, and what every road warrior and its gateway would have anyway. */
import { addressBytes, isIpv4, parseAddress, prefix } from '../../src/core/address.ts';
import type { IpAddress, Prefix } from '../../src/core/address.ts';
import { u16At } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/time.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import { preSharedKey } from '../../src/ike/config.ts';
import type { ChildConfig, ConnectionConfig, Identity, IkeConfig, NattVersion, V1Settings } from '../../src/ike/config.ts';
import { vendorIds } from '../../src/wire/ike/v1/vendor-ids.ts';
import { hostCredentials, subjectOf } from '../pki/host-credentials.ts';
import { espProposalsOf, ikeProposalsOf } from './proposals.ts';
import type { HostFile } from './schema.ts';

export type Role =
  | { readonly role: 'client'; readonly gateway: string; readonly gatewayIdentity: Identity; readonly gatewayAddress: IpAddress; readonly protects: Prefix }
  /** `clientsOwn`: where the inner addresses lie that the clients bring along, when they are given none. */
  | { readonly role: 'gateway'; readonly protects: Prefix; readonly pool: Prefix; readonly clientsOwn?: Prefix; readonly innerAddress: IpAddress };

/** All of the version of IP that a network has. */
const everything = ({ address }: Prefix): Prefix => prefix(isIpv4(address) ? '0.0.0.0/0' : '::/0');

type IkeFile = NonNullable<HostFile['ike']>;
type EspFile = NonNullable<HostFile['esp']>;

/** The name of a gateway's one connection; a client's is named for its gateway. */
export const gatewayConnection = 'clients';

/** Who a host says it is: what its file says, or its name; of an address, where nothing else is said, its own. */
export function identityOf(host: string, address: IpAddress, { ike }: HostFile): Identity {
  const { type = 'fqdn', value } = ike?.identity ?? {};
  return { type, value: value ?? { address, fqdn: `${host}.example`, 'user-fqdn': `${host}@example`, 'key-id': host, dn: subjectOf(host) }[type] };
}

/** What daemons of today announce and take: the RFC, and what Windows and many others really send. */
const usualNatt: readonly NattVersion[] = ['rfc-3947', 'draft-03', 'draft-02n', 'draft-02'];

/** `outer`: where it is on the networks that it does not protect. */
export function endpointConfig(name: string, outer: Pick<IkeConfig, 'address' | 'otherAddresses'>, host: HostFile, role: Role): EndpointConfig {
  const { ike = {}, esp = {} } = host;
  const { address } = outer;
  const connection: ConnectionConfig = {
    name: role.role === 'client' ? role.gateway : gatewayConnection,
    ike: ike.version === 'v1' ? v1Settings(ike.v1) : { version: 'v2' },
    remote: role.role === 'client' ? role.gatewayAddress : 'any',
    localIdentity: identityOf(name, address, host),
    remoteIdentity: role.role === 'client' ? role.gatewayIdentity : 'any',
    authentication: ike.authentication === 'rsa-signature' ? hostCredentials(name, address) : preSharedKey(ike.preSharedKey ?? 'the lab knows no secrets'),
    addressIdentity: ike.addressIdentity ?? 'any',
    natTraversal: ike.natTraversal ?? true,
    encapsulation: ike.encapsulation ?? 'as-detected',
    peerPort: ike.peerPort ?? 'any',
    startPort: ike.startPort ?? 500,
    // as strongSwan has had it since 5.5.1
    fragmentation: ike.fragmentation ?? true,
    proposals: ikeProposalsOf(ike, ike.version ?? 'v2'),
    keyingTries: ike.keyingTries ?? 'once',
    rekeyIkeAfter: ike.rekeyAfter ?? 'never',
    virtualAddress: virtualAddress(ike, esp, role),
    child: sayable(host.system, childConfig(address, ike, esp, role)),
  };
  return {
    name,
    ...(host.system && { system: host.system }),
    ike: {
      ...outer,
      connections: role.role === 'gateway' ? withKeys(connection, ike.preSharedKeys) : [connection],
      keepalive: { interval: ike.keepalive ?? seconds(20) },
      retransmission: ike.retransmission ?? { first: seconds(4), factor: 1.8, tries: 5 },
      deadPeerDetection: ike.deadPeerDetection ?? 'off',
      cookieThreshold: ike.cookieThreshold ?? 2000,
      halfOpenLimit: ike.halfOpenLimit ?? 5000,
    },
    ...(role.role === 'gateway' ? { innerAddress: role.innerAddress } : {}),
    ...(esp.udpChecksum === undefined ? {} : { udpChecksum: esp.udpChecksum }),
    ...(esp.checksumRepair === undefined ? {} : { checksumRepair: esp.checksumRepair }),
  };
}

/**
 * A connection for each key that a gateway has for somebody: an address is where the packets must come from, a name is what the identity must be, `any` is
 * for everybody else.
 */
function withKeys(connection: ConnectionConfig, keys: IkeFile['preSharedKeys']): readonly ConnectionConfig[] {
  if (keys === undefined) return [connection];
  const isForAnybody = (peer: string): boolean => peer === 'any';
  return Object.entries(keys)
    .sort(([one], [other]) => Number(isForAnybody(one)) - Number(isForAnybody(other)))
    .map(([peer, key]) => {
      const named = { ...connection, name: `${connection.name}, ${peer}`, authentication: preSharedKey(key) };
      const address = parseAddress(peer);
      if (isForAnybody(peer)) return { ...named, name: connection.name };
      return address === undefined ? { ...named, remoteIdentity: { type: peer.includes('@') ? 'user-fqdn' : 'fqdn', value: peer } } : { ...named, remote: address };
    });
}

function v1Settings({ exchange, natt, natOriginalAddress, quickModeIdentity, commitBit, xauth, gifts, vendorIds: announced = [] }: NonNullable<IkeFile['v1']> = {}): V1Settings {
  return {
    version: 'v1',
    exchange: exchange ?? 'main',
    natt: { offers: natt?.offers ?? usualNatt, accepts: natt?.accepts ?? usualNatt },
    natOriginalAddress: natOriginalAddress ?? 'sent',
    quickModeIdentity: quickModeIdentity ?? 'address',
    commitBit: commitBit ?? false,
    vendorIds: announced.map((name) => vendorIds[name].id),
    xauth: xauth?.users !== undefined ? { users: xauth.users } : xauth?.user !== undefined ? { user: xauth.user, password: xauth.password ?? '' } : 'none',
    ...(gifts === undefined ? {} : { gifts: defined(gifts) }),
  };
}

/** A road warrior wants an inner address; in transport mode there is nothing but the outer ones. */
function virtualAddress({ virtualAddress: said }: IkeFile, { mode }: EspFile, role: Role): ConnectionConfig['virtualAddress'] {
  const wanted = said ?? (mode === 'transport' ? 'none' : 'request');
  if (wanted === 'none') return 'none';
  return role.role === 'client' ? 'request' : { pool: role.pool };
}

function childConfig(address: IpAddress, ike: IkeFile, esp: EspFile, role: Role): ChildConfig {
  const { mode, network: wanted, protocol, upperLayer, softTime = 'never', hardTime = 'never', softPackets = 'never', hardPackets = 'never' } = esp;
  const network = mode === 'transport' ? 'dynamic' : wanted === 'everything' ? everything(role.protects) : role.protects;
  return {
    local: role.role === 'client' ? ['dynamic'] : [network],
    remote: [role.role === 'client' ? network : ((mode !== 'transport' && role.clientsOwn) || 'dynamic')],
    ...(upperLayer === undefined ? {} : { upperLayer: { protocol: upperLayer.protocol, localPort: selectorPort(upperLayer.localPort, address), remotePort: selectorPort(upperLayer.remotePort, address) } }),
    mode: mode ?? 'tunnel',
    protocol: protocol ?? 'esp',
    proposals: espProposalsOf(esp, ike.version ?? 'v2'),
    lifetime: { softTime, hardTime, softPackets, hardPackets },
  };
}

/** 0 is any port. An ephemeral one is another one for every host of a segment: of the dynamic ports (RFC 6335 §6) the one that its address says. */
function selectorPort(said: number | 'any' | 'ephemeral' | undefined, address: IpAddress): number {
  if (said === undefined || said === 'any') return 0;
  return said === 'ephemeral' ? 0xc000 | (u16At(addressBytes(address).subarray(-2), 0) & 0x3fff) : said;
}

/** illumos' PF_KEY has no words for ChaCha20-Poly1305 nor for extended sequence numbers: nobody proposes there what the stack cannot be told. */
function sayable(system: HostFile['system'], child: ChildConfig): ChildConfig {
  if (system !== 'illumos') return child;
  const proposals = child.proposals.map((proposal) => ({ ...proposal, encryption: proposal.encryption.filter(({ name }) => name !== 'chacha20-poly1305'), extendedSequenceNumbers: false }));
  return { ...child, proposals: proposals.filter(({ encryption }) => child.protocol === 'ah' || encryption.length > 0) };
}

/** Only what was said. */
const defined = <Fields extends object>(fields: Fields): { [Key in keyof Fields]: Exclude<Fields[Key], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
