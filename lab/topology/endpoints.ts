/** The endpoints' configuration: what a topology says of a host, and what every road warrior and its gateway would have anyway. */
import type { IpAddress, Prefix } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import { preSharedKey } from '../../src/ike/config.ts';
import type { ChildConfig, ConnectionConfig, EspProposal, IkeProposal, Identity } from '../../src/ike/config.ts';
import type { HostFile } from './schema.ts';

export type Role =
  | { readonly role: 'client'; readonly gateway: string; readonly gatewayAddress: IpAddress; readonly protects: Prefix }
  | { readonly role: 'gateway'; readonly protects: Prefix; readonly pool: Prefix; readonly innerAddress: IpAddress };

/** The name of a gateway's one connection; a client's is named for its gateway. */
export const gatewayConnection = 'clients';

export const identityOf = (host: string): Identity => ({ type: 'fqdn', value: `${host}.example` });

const ikeProposals: readonly IkeProposal[] = [
  {
    encryption: [{ name: 'aes-gcm-16', bits: 256 }, { name: 'aes-gcm-16', bits: 128 }, { name: 'chacha20-poly1305' }],
    integrity: [],
    prf: ['hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512'],
    groups: ['curve25519', 'ecp-256', 'ecp-384', 'modp-2048'],
  },
  {
    encryption: [{ name: 'aes-cbc', bits: 256 }, { name: 'aes-cbc', bits: 128 }],
    integrity: ['hmac-sha2-256-128', 'hmac-sha2-384-192', 'hmac-sha2-512-256', 'hmac-sha1-96'],
    prf: ['hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512', 'hmac-sha1'],
    groups: ['curve25519', 'ecp-256', 'ecp-384', 'modp-2048'],
  },
];

const espProposals: readonly EspProposal[] = [
  { encryption: [{ name: 'aes-gcm-16', bits: 256 }, { name: 'aes-gcm-16', bits: 128 }, { name: 'chacha20-poly1305' }], integrity: [], groups: [], extendedSequenceNumbers: true },
  { encryption: [{ name: 'aes-cbc', bits: 256 }, { name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha2-256-128', 'hmac-sha1-96'], groups: [], extendedSequenceNumbers: false },
];

export function endpointConfig(name: string, address: IpAddress, { ike = {}, esp = {} }: HostFile, role: Role): EndpointConfig {
  const child: ChildConfig = {
    local: role.role === 'client' ? ['dynamic'] : [role.protects],
    remote: role.role === 'client' ? [role.protects] : ['dynamic'],
    proposals: esp.proposals?.map((proposal) => ({ ...proposal, encryption: proposal.encryption.map(withBits) })) ?? espProposals,
    lifetime: {
      softTime: esp.softTime ?? 'never',
      hardTime: esp.hardTime ?? 'never',
      softPackets: esp.softPackets ?? 'never',
      hardPackets: esp.hardPackets ?? 'never',
    },
  };
  const connection: ConnectionConfig = {
    name: role.role === 'client' ? role.gateway : gatewayConnection,
    ike: { version: 'v2' },
    remote: role.role === 'client' ? role.gatewayAddress : 'any',
    localIdentity: identityOf(name),
    remoteIdentity: role.role === 'client' ? identityOf(role.gateway) : 'any',
    authentication: preSharedKey(ike.preSharedKey ?? 'the lab knows no secrets'),
    natTraversal: ike.natTraversal ?? true,
    startPort: ike.startPort ?? 500,
    proposals: ike.proposals?.map((proposal) => ({ ...proposal, encryption: proposal.encryption.map(withBits) })) ?? ikeProposals,
    keyingTries: ike.keyingTries ?? 'once',
    rekeyIkeAfter: ike.rekeyAfter ?? 'never',
    virtualAddress: role.role === 'client' ? 'request' : { pool: role.pool },
    child,
  };
  return {
    name,
    ike: {
      address,
      connections: [connection],
      keepalive: { interval: ike.keepalive ?? seconds(20) },
      retransmission: ike.retransmission ?? { first: seconds(4), factor: 1.8, tries: 5 },
      deadPeerDetection: ike.deadPeerDetection ?? 'off',
      cookieThreshold: ike.cookieThreshold ?? 2000,
      halfOpenLimit: ike.halfOpenLimit ?? 5000,
    },
    ...(role.role === 'gateway' ? { innerAddress: role.innerAddress } : {}),
  };
}

const withBits = ({ name, bits }: { name: EspProposal['encryption'][number]['name']; bits?: 128 | 256 | undefined }): EspProposal['encryption'][number] => (bits === undefined ? { name } : { name, bits });
