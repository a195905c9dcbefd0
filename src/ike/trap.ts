/** Policies that stand before there is an SA: traffic that meets them asks for one (RFC 2367 §3.1.6). */
import type { ChildSaTable } from './child-table.ts';
import type { ConnectionConfig, IkeConfig } from './config.ts';
import type { SecurityPolicies } from './policies.ts';
import { configuredSelectors, selectorOfAddress, within, type Selectors } from './traffic-selectors.ts';

export interface Trap {
  readonly connection: ConnectionConfig;
  /** The child SAs of the connection take it over, and with it the policies. */
  readonly reqid: number;
  readonly selectors: Selectors;
}

/** The trap policies of connections that are made on demand. */
export class TrapPolicies {
  readonly #byReqid = new Map<number, Trap>();
  readonly #byConnection = new Map<string, Trap[]>();

  install({ address, connections }: IkeConfig, children: ChildSaTable, policies: SecurityPolicies): void {
    for (const connection of connections) {
      const { remote, child, virtualAddress, onDemand } = connection;
      if (onDemand !== true || remote === 'any' || virtualAddress !== 'none') continue;
      const wanted = configuredSelectors(child, { local: selectorOfAddress(address), remote: selectorOfAddress(remote) });
      const traps = (connection.ike.version === 'v1' ? pairsOf(wanted) : [wanted]).map((selectors) => ({ connection, reqid: children.newReqid(), selectors }));
      this.#byConnection.set(connection.name, traps);
      for (const trap of traps) {
        this.#byReqid.set(trap.reqid, trap);
        policies.add(trap.reqid, trap.selectors, { local: address, peer: remote }, { protocol: child.protocol ?? 'esp', mode: child.mode ?? 'tunnel' });
      }
    }
  }

  /** The one whose traffic a child SA of the connection is for. */
  of({ name }: ConnectionConfig, { local, remote }: Selectors): Trap | undefined {
    const traps = this.#byConnection.get(name) ?? [];
    return traps.length === 1 ? traps[0] : traps.find(({ selectors }) => within(local, selectors.local) && within(remote, selectors.remote));
  }

  connectionOf(reqid: number): ConnectionConfig | undefined {
    return this.#byReqid.get(reqid)?.connection;
  }
}

/** IKEv1 has a child SA for each pair of blocks, and by its reqid the stack tells one from the other. */
const pairsOf = ({ local, remote }: Selectors): Selectors[] => local.flatMap((here) => remote.map((there) => ({ local: [here], remote: [there] })));
