/** The meeting at home with IKEv1: main mode with a pre-shared key, AES-CBC, every version of NAT-T that strongSwan knows, unless a test says otherwise. */
import type { ConnectionConfig, V1Settings } from '../../src/ike/config.ts';
import type { Suite } from '../support/endpoint-config.ts';
import type { StrongSwanConfig, StrongSwanSa } from '../support/strongswan.ts';
import { certificates } from './certificates.ts';
import type { Meeting, MeetingOptions, Role } from './meeting.ts';

export const theirRole = { client: 'gateway', gateway: 'client' } as const satisfies Record<Role, Role>;

const known = ['rfc-3947', 'draft-03', 'draft-02n', 'draft-02'] as const;

/** strongSwan's words for it are `aes128-sha256-ecp256` and `aes128-sha1`. */
const usual: Suite = {
  ike: { encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: [], prf: ['hmac-sha2-256'], groups: ['ecp-256'] },
  esp: { encryption: [{ name: 'aes-cbc', bits: 128 }], integrity: ['hmac-sha1-96'], groups: [], extendedSequenceNumbers: false },
};

export interface V1Meeting {
  readonly ours: Role;
  readonly exchange?: 'main' | 'aggressive';
  /** Both authenticate themselves with these. */
  readonly by?: 'pre-shared key' | 'certificates';
  readonly settings?: Partial<V1Settings>;
  readonly connection?: Partial<ConnectionConfig>;
  readonly endpoint?: Omit<NonNullable<MeetingOptions['endpoint']>, 'connection'>;
  readonly strongSwan?: Partial<StrongSwanConfig>;
}

export function v1({ ours, exchange = 'main', by = 'pre-shared key', settings, connection, endpoint, strongSwan }: V1Meeting): MeetingOptions {
  const ike: V1Settings = { version: 'v1', exchange, natt: { offers: known, accepts: known }, natOriginalAddress: 'sent', commitBit: false, ...settings };
  const signs = by === 'certificates';
  return {
    ours,
    endpoint: { suite: usual, ...endpoint, connection: { ike, ...(signs ? { authentication: certificates[ours] } : {}), ...connection } },
    strongSwan: { exchange, proposals: ['aes128-sha256-ecp256'], espProposals: ['aes128-sha1'], ...(signs ? { certificate: certificates[theirRole[ours]] } : {}), ...strongSwan },
  };
}

/** strongSwan keeps a child SA that was replaced in quick mode until its lifetime ends. */
export const inUse = ({ children }: StrongSwanSa): StrongSwanSa['children'] => children.filter(({ state }) => state === 'INSTALLED');

/** An echo from either side through the tunnel. */
export const pings = async ({ home }: Meeting, client?: string): Promise<string[]> => [await home.ping('client', 3, client), await home.ping('gateway', 3, client)];
export const both = ['answered', 'answered'];
