/** IKEv1: which ISAKMP SA a message belongs to, whether it is believed, and who deals with it (RFC 2408, RFC 2409). */
import type { Path } from '../any-ike-sa.ts';
import type { ConnectionConfig } from '../config.ts';
import type { Connections } from '../connections.ts';
import type { IkeContext } from '../context.ts';
import type { IkeCommand } from '../ports.ts';
import type { IkeVersion } from '../version.ts';

export class IkeV1 implements IkeVersion {
  readonly #context: IkeContext;
  readonly #connections: Connections;

  constructor(context: IkeContext, connections: Connections) {
    this.#context = context;
    this.#connections = connections;
  }

  receive(message: Uint8Array, { peer }: Path): void {
    const count = this.#connections.with(peer, 'v1').length;
    this.#context.drop('ike-version', `major version 1, for which there are ${count} connections and no machine yet`, message, peer);
  }

  command(connection: ConnectionConfig, command: IkeCommand): void {
    this.#context.event({ kind: 'command-refused', command: command.kind, why: `${connection.name} wants IKEv1, which is not there yet` });
  }

  wanted(connection: ConnectionConfig): void {
    this.command(connection, { kind: 'initiate', connection: connection.name });
  }
}
