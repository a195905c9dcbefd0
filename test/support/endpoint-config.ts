/** Endpoints with one connection, in a line each: a client, and a gateway with a network behind it. */
import { ip, prefix } from '../../src/core/address.ts';
import { seconds } from '../../src/core/time.ts';
import type { EndpointConfig } from '../../src/host/ports.ts';
import type { ConnectionConfig, EspProposal, IkeConfig, IkeProposal } from '../../src/ike/config.ts';

export const connectionName = 'tunnel';
export const preSharedKey = 'correct horse battery staple';

export interface Party {
  readonly name: string;
  readonly peer: string;
  readonly address: string;
  /** Nothing for a gateway that waits. */
  readonly peerAddress?: string;
  readonly local: string;
  readonly remote: string;
  readonly innerAddress?: string;
  /** Of its child SAs; `tunnel` when not given. */
  readonly mode?: 'tunnel' | 'transport';
  readonly connection?: Partial<ConnectionConfig>;
  readonly ike?: Partial<IkeConfig>;
  readonly suite?: Suite;
}

/** What is proposed for the IKE SA and for its children. */
export interface Suite {
  readonly ike: IkeProposal;
  readonly esp: EspProposal;
}

export const aesGcm: Suite = {
  ike: { encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], prf: ['hmac-sha2-256'], groups: ['ecp-256'] },
  esp: { encryption: [{ name: 'aes-gcm-16', bits: 128 }], integrity: [], groups: [], extendedSequenceNumbers: false },
};

export function endpointConfig({ name, peer, address, peerAddress, local, remote, innerAddress, mode = 'tunnel', connection, ike, suite = aesGcm }: Party): EndpointConfig {
  return {
    name,
    ...(innerAddress === undefined ? {} : { innerAddress: ip(innerAddress) }),
    ike: {
      address: ip(address),
      keepalive: { interval: seconds(20) },
      retransmission: { first: seconds(1), factor: 1.8, tries: 4 },
      deadPeerDetection: 'off',
      cookieThreshold: 100,
      halfOpenLimit: 1000,
      connections: [
        {
          name: connectionName,
          remote: peerAddress === undefined ? 'any' : ip(peerAddress),
          localIdentity: { type: 'fqdn', value: name },
          remoteIdentity: { type: 'fqdn', value: peer },
          ike: { version: 'v2' },
          authentication: { method: 'pre-shared-key', key: preSharedKey },
          natTraversal: true,
          startPort: 500,
          proposals: [suite.ike],
          rekeyIkeAfter: 'never',
          virtualAddress: 'none',
          child: {
            local: [local === 'dynamic' ? 'dynamic' : prefix(local)],
            remote: [remote === 'dynamic' ? 'dynamic' : prefix(remote)],
            mode,
            proposals: [suite.esp],
            lifetime: { softTime: 'never', hardTime: 'never', softPackets: 'never', hardPackets: 'never' },
          },
          ...connection,
        },
      ],
      ...ike,
    },
  };
}
