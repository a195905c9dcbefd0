/** What an IKE SA is to its children, its keepalives and its NAT, whichever version of IKE has made it. */
import { describePrefix, type Endpoint, type IpAddress } from '../core/address.ts';
import { toHex } from '../core/bytes.ts';
import type { IkeSaName } from '../core/events.ts';
import type { Instant } from '../core/time.ts';
import type { TrafficSelector } from '../wire/ike/message.ts';
import type { Alarm } from './alarm.ts';
import type { ChildSa } from './child.ts';
import type { ConnectionConfig, Gifts } from './config.ts';
import type { IkeContext } from './context.ts';
import { noNatDetection, type NatVerdict } from './nat-detection.ts';
import { prefixesOf } from './traffic-selectors.ts';

/** Where a message came to and from, or goes from and to. */
export interface Path {
  readonly local: Endpoint;
  readonly peer: Endpoint;
}

export type Role = 'initiator' | 'responder';

/**
 * connecting → established → rekeyed (another IKE SA has taken over its children) → deleting → gone. `deleting`: our DELETE waits for its
 * answer. `gone`: nothing of it is left but this object.
 */
export type IkeSaState = 'connecting' | 'established' | 'rekeyed' | 'deleting' | 'gone';

/** `non-ike`: ESP behind eight zero octets on port 500, as drafts 00 and 01 of NAT-T have it. */
export type Encapsulation = 'none' | 'udp' | 'udp-non-ike';

export interface Beginning extends Path {
  readonly role: Role;
  readonly connection: ConnectionConfig;
  readonly initiatorSpi: Uint8Array;
  readonly responderSpi: Uint8Array;
}

export abstract class AnyIkeSa<Context extends IkeContext = IkeContext> {
  readonly context: Context;
  readonly role: Role;
  /** 8 octets each; IKEv1 calls them cookies. */
  readonly initiatorSpi: Uint8Array;
  responderSpi: Uint8Array;
  readonly children: Set<ChildSa> = new Set();
  /** SPIs that the stack has reserved for child SAs that are being negotiated. */
  readonly reservedSpis = new Set<number>();
  connection: ConnectionConfig;
  state: IkeSaState = 'connecting';
  local: Endpoint;
  peer: Endpoint;
  nat: NatVerdict = noNatDetection;
  peerIdentity: string | undefined;
  /** The inner address that one side has given to the other. */
  virtualAddress: IpAddress | undefined;
  /** When an IKE message last went out, and when an authenticated one last came in. */
  lastSent: Instant;
  lastHeard: Instant;
  /** When this side has moved to port 4500. */
  movedAt: Instant | undefined;
  readonly #alarms = new Map<string, { reason: string; ring: () => void }>();

  constructor(context: Context, { role, connection, initiatorSpi, responderSpi, local, peer }: Beginning) {
    this.context = context;
    this.role = role;
    this.connection = connection;
    this.initiatorSpi = initiatorSpi;
    this.responderSpi = responderSpi;
    this.local = local;
    this.peer = peer;
    this.lastSent = context.now;
    this.lastHeard = context.now;
  }

  /** How ESP of its children travels. */
  abstract get encapsulation(): Encapsulation;

  /** The stack says that the lifetime of a child SA ends soon, or has ended. */
  abstract childExpires(child: ChildSa, limit: 'soft' | 'hard'): void;

  /** Forgets the IKE SA and its children, on this side only. Secrets are wiped. */
  abstract close(state: 'deleted' | 'failed', story: string): void;

  get ownSpi(): Uint8Array {
    return this.role === 'initiator' ? this.initiatorSpi : this.responderSpi;
  }

  get isGone(): boolean {
    return this.state === 'gone';
  }

  get name(): IkeSaName {
    const { connection, role } = this;
    return { connection: connection.name, initiatorSpi: toHex(this.initiatorSpi), responderSpi: toHex(this.responderSpi), role };
  }

  /** The two sides as the stories call them. A responder knows nobody by name before it has seen who calls: its connection is a guess until then. */
  get names(): { readonly me: string; readonly other: string } {
    const { localIdentity, remoteIdentity } = this.connection;
    const isUnknown = remoteIdentity === 'any' || this.role === 'responder';
    return { me: localIdentity.value, other: this.peerIdentity ?? (isUnknown ? this.peer.address : remoteIdentity.value) };
  }

  // ---- timers

  /** Sets, or moves, the timer of this IKE SA that has this name. */
  alarm(reason: string, at: Instant, ring: () => void): void {
    let alarm = this.#alarms.get(reason);
    if (alarm === undefined) this.#alarms.set(reason, (alarm = { reason, ring }));
    alarm.ring = ring;
    this.context.alarms.set(alarm satisfies Alarm, at);
  }

  cancel(reason: string): void {
    const alarm = this.#alarms.get(reason);
    if (alarm !== undefined) this.context.alarms.cancel(alarm);
  }

  protected cancelAll(): void {
    for (const alarm of this.#alarms.values()) this.context.alarms.cancel(alarm);
  }

  // ---- the inner address

  /** A client has been given its inner address, from which it reaches what is `remote`, and perhaps something besides. */
  useVirtualAddress(address: IpAddress, remote: readonly TrafficSelector[], { netmask, dns = [], networks: named = [] }: Gifts = {}): void {
    const { me, other } = this.names;
    const networks = remote.flatMap(prefixesOf);
    const given = [
      `the inner address ${address}`,
      ...(netmask === undefined ? [] : [`netmask ${netmask}`]),
      ...(dns.length === 0 ? [] : [`DNS ${dns.join(' and ')}`]),
      ...(named.length === 0 ? [] : [`the networks ${named.map(describePrefix).join(' and ')}`]),
    ];
    this.virtualAddress = address;
    this.context.output({ kind: 'virtual-address', address, networks, assigned: true });
    this.context.event({ kind: 'virtual-address', ...this.name, address, ...(netmask === undefined ? {} : { netmask }), dns, networks, story: `${other} gives ${me} ${given.join(', ')}.` });
  }

  giveAddressBack(): void {
    const address = this.virtualAddress;
    if (address === undefined) return;
    this.virtualAddress = undefined;
    const pool = this.context.poolOf(this.connection);
    if (pool !== undefined) pool.giveBack(address);
    else this.context.output({ kind: 'virtual-address', address, networks: [], assigned: false });
  }
}
