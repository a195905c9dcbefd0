/** Policies as PF_KEY says them (KAME's and Linux's X_SPD messages). */
import { isIpv4, parsePrefix, type Prefix } from '../core/address.ts';
import { ipsecModes, policyDirections, policyLevels, policyTypes, type PfkeyAddress, type PfkeyPolicy, type PfkeyPolicyRequest } from '../wire/pfkey/message.ts';
import { protocols } from '../wire/protocols.ts';
import type { Addresses } from '../wire/pseudo-header.ts';
import { addressInPfkey } from './pfkey-association.ts';
import type { PfkeyBody } from './kernel.ts';
import type { Direction, Policy, Protection, Selector } from './spd.ts';

const directions: Readonly<Record<Direction, number>> = { in: policyDirections.INBOUND, out: policyDirections.OUTBOUND };

export function readDirection(policy: PfkeyPolicy): Direction | undefined {
  if (policy.direction === policyDirections.INBOUND) return 'in';
  return policy.direction === policyDirections.OUTBOUND ? 'out' : undefined;
}

/** The inner packets that a message speaks of; undefined when source and destination do not go together. */
export function readSelector({ source, destination }: PfkeyBody): Selector | undefined {
  if (source === undefined || destination === undefined || isIpv4(source.address) !== isIpv4(destination.address) || source.protocol !== destination.protocol) return undefined;
  const from = blockOf(source);
  const to = blockOf(destination);
  return from && to && { source: from, destination: to, protocol: source.protocol, sourcePort: source.port, destinationPort: destination.port };
}

/** What a policy wants done; undefined for what the stack does not do. */
export function readAction({ type, requests }: PfkeyPolicy): Policy['action'] | undefined {
  switch (type) {
    case policyTypes.DISCARD:
      return requests.length === 0 ? 'discard' : undefined;
    case policyTypes.NONE:
      return requests.length === 0 ? 'bypass' : undefined;
    case policyTypes.IPSEC:
      return requests.length === 1 ? readProtection(requests[0]!) : undefined;
    default:
      return undefined;
  }
}

/** Level USE is refused: traffic would leave in the clear whenever the tunnel is down. */
const levels: ReadonlySet<number> = new Set([policyLevels.DEFAULT, policyLevels.REQUIRE, policyLevels.UNIQUE]);

function readProtection({ protocol, mode, level, reqid, tunnel }: PfkeyPolicyRequest): Protection | undefined {
  const by = protocol === protocols.esp ? 'esp' : protocol === protocols.ah ? 'ah' : undefined;
  if (by === undefined || !levels.has(level) || (level === policyLevels.UNIQUE && reqid === 0)) return undefined;
  switch (mode) {
    case ipsecModes.TUNNEL:
      return tunnel === undefined || isIpv4(tunnel.source) !== isIpv4(tunnel.destination) ? undefined : { protocol: by, level, mode, reqid, tunnel };
    case ipsecModes.TRANSPORT: // its ends are each packet's own
      return tunnel === undefined ? { protocol: by, level, mode, reqid, tunnel } : undefined;
    default:
      return undefined;
  }
}

export const policyInPfkey = (policy: Policy): PfkeyBody => ({
  source: selectorAddress(policy.selector.source, policy.selector.protocol, policy.selector.sourcePort),
  destination: selectorAddress(policy.selector.destination, policy.selector.protocol, policy.selector.destinationPort),
  policy: describePolicy(policy),
});

/** SADB_ACQUIRE: between which ends an SA is wanted, and for which policy. */
export const acquireMessage = (policy: Policy, { mode, reqid }: Protection, { source, destination }: Addresses): PfkeyBody => ({
  source: addressInPfkey(source),
  destination: addressInPfkey(destination),
  sa2: { mode, sequence: 0, reqid },
  policy: describePolicy(policy),
});

function describePolicy({ id, direction, priority, action }: Policy): PfkeyPolicy {
  const common = { direction: directions[direction], id, priority };
  if (action === 'discard') return { ...common, type: policyTypes.DISCARD, requests: [] };
  if (action === 'bypass') return { ...common, type: policyTypes.NONE, requests: [] };
  const { protocol, mode, level, reqid, tunnel } = action;
  return { ...common, type: policyTypes.IPSEC, requests: [{ protocol: protocols[protocol], mode, level, reqid, ...(tunnel && { tunnel }) }] };
}

const selectorAddress = ({ address, length }: Prefix, protocol: number, port: number): PfkeyAddress => ({ protocol, prefixLength: length, address, port });

const blockOf = ({ address, prefixLength }: PfkeyAddress): Prefix | undefined => parsePrefix(`${address}/${prefixLength}`);
