/** The security policy database (RFC 4301 §4.4.1). */
import { addressBytes, describePrefix, type Prefix } from '../core/address.ts';
import { u32At } from '../core/bytes.ts';
import type { Instant } from '../core/time.ts';
import type { Addresses } from '../wire/pseudo-header.ts';
import type { Traffic } from './traffic.ts';

export type Direction = 'in' | 'out';

/** Which inner packets; protocol and ports are 0 for any. */
export interface Selector {
  readonly source: Prefix;
  readonly destination: Prefix;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** By which SAs a policy's packets go: those of this protocol, mode and reqid, any reqid when it is 0. */
export interface Protection {
  readonly protocol: 'esp' | 'ah';
  readonly level: number;
  readonly mode: number;
  readonly reqid: number;
  /** Between which ends the SAs are. Undefined in transport mode, where the packet's own addresses say it. */
  readonly tunnel: Addresses | undefined;
}

export interface Policy {
  readonly id: number;
  readonly direction: Direction;
  readonly selector: Selector;
  /** The lower is looked at first. */
  readonly priority: number;
  readonly action: 'discard' | 'bypass' | Protection;
  /** An ACQUIRE was sent: until then no other one for this policy. */
  acquireHoldOff?: Instant | undefined;
}

/**
 * Policies by the pair of their prefix lengths, and in there by the pair of prefixes: a thousand clients' policies have one pair of lengths in
 * common and are found by one look-up, whatever the order in which packets come.
 */
interface PrefixClass {
  readonly addressLength: number; // octets
  readonly sourceLength: number; // bits
  readonly destinationLength: number;
  readonly policies: Map<string, Policy[]>;
}

export class Spd {
  readonly #byId = new Map<number, Policy>();
  readonly #bySelector = new Map<string, Policy>();
  readonly #classes: Record<Direction, Map<string, PrefixClass>> = { in: new Map(), out: new Map() };

  /** A policy of the same direction and selector must have been removed before. */
  add(policy: Policy): void {
    this.#byId.set(policy.id, policy);
    this.#bySelector.set(selectorKey(policy.direction, policy.selector), policy);
    const { source, destination } = policy.selector;
    const from = addressBytes(source.address);
    const to = addressBytes(destination.address);
    const classKey = `${from.length} ${source.length} ${destination.length}`;
    const prefixClass = this.#classes[policy.direction].get(classKey) ?? { addressLength: from.length, sourceLength: source.length, destinationLength: destination.length, policies: new Map<string, Policy[]>() };
    this.#classes[policy.direction].set(classKey, prefixClass);
    const key = prefixesKey(prefixClass, from, to);
    const kin = prefixClass.policies.get(key);
    if (kin === undefined) prefixClass.policies.set(key, [policy]);
    else kin.push(policy);
  }

  remove(policy: Policy): void {
    this.#byId.delete(policy.id);
    this.#bySelector.delete(selectorKey(policy.direction, policy.selector));
    const { source, destination } = policy.selector;
    const from = addressBytes(source.address);
    const classKey = `${from.length} ${source.length} ${destination.length}`;
    const prefixClass = this.#classes[policy.direction].get(classKey)!;
    const key = prefixesKey(prefixClass, from, addressBytes(destination.address));
    const others = prefixClass.policies.get(key)!.filter((other) => other !== policy);
    if (others.length > 0) prefixClass.policies.set(key, others);
    else prefixClass.policies.delete(key);
    if (prefixClass.policies.size === 0) this.#classes[policy.direction].delete(classKey);
  }

  clear(): void {
    for (const policy of this.all()) this.remove(policy);
  }

  byId(id: number): Policy | undefined {
    return this.#byId.get(id);
  }

  bySelector(direction: Direction, selector: Selector): Policy | undefined {
    return this.#bySelector.get(selectorKey(direction, selector));
  }

  all(): readonly Policy[] {
    return [...this.#byId.values()];
  }

  /** The policies that hold the packet, the one to look at first in front. */
  matching(direction: Direction, traffic: Traffic): readonly Policy[] {
    const found: Policy[] = [];
    for (const prefixClass of this.#classes[direction].values()) {
      if (prefixClass.addressLength !== traffic.source.length) continue;
      for (const policy of prefixClass.policies.get(prefixesKey(prefixClass, traffic.source, traffic.destination)) ?? []) {
        if (fits(policy.selector, traffic)) found.push(policy);
      }
    }
    return found.sort((a, b) => a.priority - b.priority || a.id - b.id);
  }
}

/** `10.98.0.1/32 -> 10.99.0.0/24, protocol 17, port any -> 1701` */
export function describeSelector({ source, destination, protocol, sourcePort, destinationPort }: Selector): string {
  const ports = sourcePort === 0 && destinationPort === 0 ? '' : `, port ${sourcePort || 'any'} -> ${destinationPort || 'any'}`;
  return `${describePrefix(source)} -> ${describePrefix(destination)}${protocol === 0 ? '' : `, protocol ${protocol}`}${ports}`;
}

/** Whether packets by this SA are the ones that the policy wants: protocol, mode, reqid and tunnel ends agree. */
export const goesBy = ({ protocol, mode, reqid, tunnel }: Protection, sa: Addresses & Pick<Protection, 'protocol' | 'mode' | 'reqid'>): boolean =>
  protocol === sa.protocol && mode === sa.mode && (reqid === 0 || reqid === sa.reqid) && (tunnel === undefined || (tunnel.source === sa.source && tunnel.destination === sa.destination));

/** Protocol and ports; a packet that hides its ports fits only where any will do. The prefixes were the way to find it. */
const fits = (selector: Selector, { protocol, ports }: Traffic): boolean =>
  (selector.protocol === 0 || selector.protocol === protocol) &&
  (selector.sourcePort === 0 || selector.sourcePort === ports?.source) &&
  (selector.destinationPort === 0 || selector.destinationPort === ports?.destination);

const selectorKey = (direction: Direction, { source, destination, protocol, sourcePort, destinationPort }: Selector): string =>
  `${direction} ${describePrefix(source)} ${describePrefix(destination)} ${protocol} ${sourcePort} ${destinationPort}`;

const prefixesKey = ({ sourceLength, destinationLength }: PrefixClass, source: Uint8Array, destination: Uint8Array): string =>
  `${masked(source, sourceLength)} ${masked(destination, destinationLength)}`;

/** The address with the bits behind `length` cleared, as text for a key. */
function masked(address: Uint8Array, length: number): string {
  let text = '';
  for (let at = 0; at < address.length && 8 * at < length; at += 4) {
    const word = u32At(address, at);
    const bits = Math.min(32, length - 8 * at);
    text += `${bits === 32 ? word : (word & ~(0xffff_ffff >>> bits)) >>> 0}.`;
  }
  return text;
}
