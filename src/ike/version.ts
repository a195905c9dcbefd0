import type { Path } from './any-ike-sa.ts';
import type { ConnectionConfig } from './config.ts';
import type { IkeCommand } from './ports.ts';

/** A version of IKE, as the daemon drives it. Each has the IKE SAs of the connections that are configured for it. */
export interface IkeVersion {
  /** A message of this version's, the non-ESP marker taken off. */
  receive(message: Uint8Array, path: Path): void;
  command(connection: ConnectionConfig, command: IkeCommand): void;
  /** Traffic wants a tunnel (SADB_ACQUIRE, RFC 2367 §3.1.6): does nothing while one is there or on its way. */
  wanted(connection: ConnectionConfig): void;
}
