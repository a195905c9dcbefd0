/** Policies that stand before there is an SA: traffic that meets them asks for one (RFC 2367 §3.1.6). */
import type { ChildSaTable } from './child-table.ts';
import type { ConnectionConfig, IkeConfig } from './config.ts';
import type { SecurityPolicies } from './policies.ts';
import { configuredSelectors, selectorOfAddress, type Selectors } from './traffic-selectors.ts';

export interface Trap {
  readonly connection: ConnectionConfig;
  /** The child SAs of the connection take it over, and with it the policies. */
  readonly reqid: number;
  readonly selectors: Selectors;
}

/** The trap policies of connections that are made on demand. */
export class TrapPolicies {
  readonly #byReqid = new Map<number, Trap>();
  readonly #byConnection = new Map<string, Trap>();

  install({ address, connections }: IkeConfig, children: ChildSaTable, policies: SecurityPolicies): void {
    for (const connection of connections) {
      const { remote, child, virtualAddress, onDemand } = connection;
      if (onDemand !== true || remote === 'any' || virtualAddress !== 'none') continue;
      const reqid = children.newReqid();
      const selectors = configuredSelectors(child, { local: selectorOfAddress(address), remote: selectorOfAddress(remote) });
      const trap = { connection, reqid, selectors };
      this.#byReqid.set(reqid, trap);
      this.#byConnection.set(connection.name, trap);
      policies.add(reqid, selectors, { local: address, peer: remote }, { protocol: child.protocol ?? 'esp', mode: child.mode ?? 'tunnel' });
    }
  }

  of({ name }: ConnectionConfig): Trap | undefined {
    return this.#byConnection.get(name);
  }

  connectionOf(reqid: number): ConnectionConfig | undefined {
    return this.#byReqid.get(reqid)?.connection;
  }
}
