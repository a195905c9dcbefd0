/** The policies that lead traffic to child SAs, as the stack is told of them (RFC 4301 §4.4.1). */
import { isIpv4, type IpAddress } from '../core/address.ts';
import type { TrafficSelector } from '../wire/ike/message.ts';
import { ipsecModes, policyDirections, policyLevels, policyTypes, type PfkeyAddress, type PfkeyMessage } from '../wire/pfkey/message.ts';
import { protocols } from '../wire/protocols.ts';
import type { ChildMode, ChildProtocol } from './config.ts';
import { saTypeOf, type PfkeyClient } from './pfkey-client.ts';
import { prefixesOf, type Selectors } from './traffic-selectors.ts';

/** The ends of the tunnel. */
interface Ends {
  readonly local: IpAddress;
  readonly peer: IpAddress;
}

type Direction = 'INBOUND' | 'OUTBOUND';

/** What becomes of the traffic. */
interface Protection {
  readonly protocol: ChildProtocol;
  readonly mode: ChildMode;
}

/** Who wants a policy: the stack has one for the same selectors, the newest claim's. */
interface Claim extends Protection {
  readonly reqid: number;
  ends: Ends;
}

/**
 * Two child SAs may want the same selectors, as when a client comes back before its old IKE SA is given up: the newest one has the policy, and when it
 * goes the one before has it again.
 */
export class SecurityPolicies {
  readonly #pfkey: PfkeyClient;
  readonly #claims = new Map<string, Claim[]>();

  constructor(pfkey: PfkeyClient) {
    this.#pfkey = pfkey;
  }

  add(reqid: number, selectors: Selectors, ends: Ends, { protocol, mode }: Protection): void {
    forEachPolicy(selectors, (direction, source, destination) => {
      const key = keyOf(direction, source, destination);
      const claims = this.#claims.get(key) ?? [];
      this.#claims.set(key, claims);
      claims.push({ reqid, protocol, mode, ends });
      this.#tell(claims.length === 1 ? 'SADB_X_SPDADD' : 'SADB_X_SPDUPDATE', direction, source, destination, claims.at(-1)!);
    });
  }

  /**
   * The reqid under which the policies for these selectors stand already, in transport mode. Systems give one reqid to all SAs with equal selectors: what comes
   * by any of them gets in, and the newest takes what goes out (RFC 3948 §5.2).
   */
  reqidInTransport(selectors: Selectors, protocol: ChildProtocol): number | undefined {
    const reqids = new Set<number | undefined>();
    forEachPolicy(selectors, (direction, source, destination) => {
      const claim = this.#claims.get(keyOf(direction, source, destination))?.at(-1);
      reqids.add(claim?.mode === 'transport' && claim.protocol === protocol ? claim.reqid : undefined);
    });
    const [reqid] = reqids;
    return reqids.size === 1 ? reqid : undefined;
  }

  remove(reqid: number, selectors: Selectors): void {
    forEachPolicy(selectors, (direction, source, destination) => {
      const key = keyOf(direction, source, destination);
      const claims = this.#claims.get(key) ?? [];
      const at = claims.findIndex((claim) => claim.reqid === reqid);
      if (at < 0) return;
      const wasNewest = at === claims.length - 1;
      const [claim] = claims.splice(at, 1);
      const newest = claims.at(-1);
      if (newest === undefined) {
        this.#claims.delete(key);
        this.#tell('SADB_X_SPDDELETE', direction, source, destination, claim!);
      } else if (wasNewest) {
        this.#tell('SADB_X_SPDUPDATE', direction, source, destination, newest);
      }
    });
  }

  /** The tunnel has another end. */
  move(reqid: number, selectors: Selectors, ends: Ends): void {
    forEachPolicy(selectors, (direction, source, destination) => {
      const claims = this.#claims.get(keyOf(direction, source, destination)) ?? [];
      const claim = claims.find((candidate) => candidate.reqid === reqid);
      if (claim === undefined) return;
      claim.ends = ends;
      if (claim === claims.at(-1)) this.#tell('SADB_X_SPDUPDATE', direction, source, destination, claim);
    });
  }

  #tell(type: 'SADB_X_SPDADD' | 'SADB_X_SPDUPDATE' | 'SADB_X_SPDDELETE', direction: Direction, source: PfkeyAddress, destination: PfkeyAddress, claim: Claim): void {
    this.#pfkey.request(type, { source, destination, policy: policyOf(direction, claim) }, undefined, saTypeOf[claim.protocol]);
  }
}

function policyOf(direction: Direction, { reqid, protocol, mode, ends: { local, peer } }: Claim): NonNullable<PfkeyMessage['policy']> {
  const tunnel = direction === 'INBOUND' ? { source: peer, destination: local } : { source: local, destination: peer };
  return {
    type: policyTypes.IPSEC, direction: policyDirections[direction], id: 0, priority: 0,
    requests: [{ protocol: protocols[protocol], level: policyLevels.UNIQUE, reqid, ...(mode === 'transport' ? { mode: ipsecModes.TRANSPORT } : { mode: ipsecModes.TUNNEL, tunnel }) }],
  };
}

const keyOf = (direction: Direction, source: PfkeyAddress, destination: PfkeyAddress): string => `${direction} ${describe(source)} ${describe(destination)}`;
const describe = ({ address, prefixLength, protocol, port }: PfkeyAddress): string => `${address}/${prefixLength} ${protocol} ${port}`;

/** Inbound from their selectors to ours, outbound the other way. */
function forEachPolicy({ local, remote }: Selectors, visit: (direction: Direction, source: PfkeyAddress, destination: PfkeyAddress) => void): void {
  for (const ours of local) {
    for (const theirs of remote) {
      if (isIpv4(ours.startAddress) !== isIpv4(theirs.startAddress)) continue;
      for (const here of blocksOf(ours, theirs)) {
        for (const there of blocksOf(theirs, ours)) {
          visit('INBOUND', there, here);
          visit('OUTBOUND', here, there);
        }
      }
    }
  }
}

/** PF_KEY knows one port or any: a range of ports is let through whole, the peer checks the rest. */
function blocksOf(selector: TrafficSelector, other: TrafficSelector): PfkeyAddress[] {
  const { startPort, endPort } = selector;
  const protocol = selector.protocol || other.protocol;
  return prefixesOf(selector).map(({ address, length }) => ({ protocol, prefixLength: length, address, port: startPort === endPort ? startPort : 0 }));
}
