import type { Endpoint } from '../core/address.ts';
import type { ConnectionConfig, IkeVersionNumber } from './config.ts';

/** The configured connections: by name, and by the address that a peer calls from. */
export class Connections {
  readonly #byName = new Map<string, ConnectionConfig>();
  readonly #byRemote = new Map<string, ConnectionConfig[]>();

  constructor(connections: readonly ConnectionConfig[]) {
    for (const connection of connections) {
      this.#byName.set(connection.name, connection);
      const kin = this.#byRemote.get(connection.remote);
      if (kin === undefined) this.#byRemote.set(connection.remote, [connection]);
      else kin.push(connection);
    }
  }

  named(name: string): ConnectionConfig | undefined {
    return this.#byName.get(name);
  }

  /** Those of a version that a peer at this address may come by: its own first, then those for anybody. */
  with({ address }: Endpoint, version: IkeVersionNumber): readonly ConnectionConfig[] {
    return [...(this.#byRemote.get(address) ?? []), ...(this.#byRemote.get('any') ?? [])].filter((connection) => connection.ike.version === version);
  }
}

/** Before NAT-T a daemon took IKE from port 500 only, which no NAT leaves alone when several stand behind it (RFC 3715 §2.1). */
export const takesPort = ({ peerPort = 'any' }: ConnectionConfig, { port }: Endpoint): boolean => peerPort === 'any' || peerPort === port;
