/** The security association database (RFC 4301 §4.4.2). */
import type { Endpoint, IpAddress } from '../core/address.ts';
import { after, seconds, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';
import { wipe } from '../crypto/secret.ts';
import type { AhKeying } from './ah.ts';
import type { EspKeying } from './esp.ts';
import type { NamedAlgorithms } from './algorithms.ts';
import { deadline, earlier, type Limit, type Usage } from './lifetime.ts';
import type { ReplayWindow } from './replay-window.ts';
import type { Direction, Protection } from './spd.ts';
import type { PfkeyMessage } from '../wire/pfkey/message.ts';
import type { Addresses } from '../wire/pseudo-header.ts';

/**
 * What NAT traversal means for an SA: `unknown` took no part in it and knows plain ESP alone; the others accept both forms
 * (RFC 7296 §2.23) and send plain, or in UDP; the systems are stricter (encapsulation-rules.ts). Ports go with source and destination. `nonIke`: behind the
 * marker of drafts 00 and 01.
 */
export type Encapsulation = { readonly kind: 'unknown' } | { readonly kind: 'plain' } | { readonly kind: 'udp'; readonly sourcePort: number; readonly destinationPort: number; readonly nonIke: boolean };

/** NAT-OA in the form that the daemon said it, which is also how it is told. */
export type NatOa = Pick<PfkeyMessage, 'nattOriginalAddress' | 'nattOriginalSource' | 'nattOriginalDestination'>;

/** What protects the packets of an SA. */
export type Protocol = 'esp' | 'ah';

interface SaName {
  readonly protocol: Protocol;
  readonly spi: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly mode: number;
  readonly reqid: number;
}

/** An SPI given out and not yet filled (GETSPI). */
export interface LarvalSa extends SaName {
  readonly state: 'larval';
  readonly addedAt: Instant;
}

/** An SA that packets go by. It may move: its outer addresses and ports change while keys and counters stay. */
export interface EstablishedSa extends SaName {
  /** `dying`: a soft limit was reached and told; it goes on until a hard one. */
  state: 'mature' | 'dying';
  readonly direction: Direction;
  source: IpAddress;
  destination: IpAddress;
  encapsulation: Encapsulation;
  natOa: NatOa;
  /** The daemon says that a NAT is in front of this host. */
  behindNat: boolean;
  readonly algorithms: NamedAlgorithms & { readonly encrypt: number; readonly auth: number };
  readonly encryptionKey: Uint8Array;
  readonly authKey: Uint8Array;
  readonly keying: ({ readonly protocol: 'esp' } & EspKeying) | AhKeying;
  readonly usage: Usage;
  hard: Limit | undefined;
  soft: Limit | undefined;
  /** Inbound: what came already. */
  readonly window: ReplayWindow;
  /** Outbound: the number of the last packet sent. */
  sequence: number;
  /** Where the peer was seen that the daemon has been told of; undefined while it is where the SA says. */
  reportedPeer: Endpoint | undefined;
}

export type Sa = LarvalSa | EstablishedSa;

/** As long as a daemon may retransmit the message that offers the SPI (some 165 s with the usual back-off). */
export const larvalLifetime = seconds(165);

/** All SAs, found by (protocol, SPI, destination) for those who receive and update, by policy for those who send; and when the next one's time is up. */
export class Sad {
  readonly #byName = new Map<string, Sa>();
  /** Outbound ones in the order of their coming, by protocol, mode, ends and reqid, and once more under reqid 0 for policies that take any. */
  readonly #outbound = new Map<string, EstablishedSa[]>();
  readonly #timers = new Timers<Sa>();

  get(protocol: Protocol, spi: number, destination: IpAddress): Sa | undefined {
    return this.#byName.get(nameOf({ protocol, spi, destination }));
  }

  all(): readonly Sa[] {
    return [...this.#byName.values()];
  }

  /** Its name must be free. */
  add(sa: Sa): void {
    this.#byName.set(nameOf(sa), sa);
    if (isOutbound(sa)) this.#index(sa);
    this.reschedule(sa);
  }

  /** The SA is gone, its keys are zeros. */
  remove(sa: Sa): void {
    this.#byName.delete(nameOf(sa));
    this.#timers.cancel(sa);
    if (sa.state === 'larval') return;
    if (isOutbound(sa)) this.#unindex(sa);
    wipe(sa.encryptionKey, sa.authKey);
  }

  /** Gives the SA other outer addresses; the new name must be free. */
  move(sa: EstablishedSa, source: IpAddress, destination: IpAddress): void {
    this.#byName.delete(nameOf(sa));
    if (isOutbound(sa)) this.#unindex(sa);
    sa.source = source;
    sa.destination = destination;
    this.#byName.set(nameOf(sa), sa);
    if (isOutbound(sa)) this.#index(sa);
  }

  /** By which SA a policy's packet goes: the newest mature one, so that a rekeyed pair is left at once; else the newest dying one. */
  outbound(wanted: Pick<Protection, 'protocol' | 'mode' | 'reqid'>, ends: Addresses): EstablishedSa | undefined {
    const kin = this.#outbound.get(pathOf(wanted, ends, wanted.reqid)) ?? [];
    return kin.findLast(({ state }) => state === 'mature') ?? kin.at(-1);
  }

  /** After a change of its limits or state, and at its first use. */
  reschedule(sa: Sa): void {
    const at = nextLimit(sa);
    if (at === undefined) this.#timers.cancel(sa);
    else this.#timers.set(sa, at);
  }

  /** Takes an SA of which a limit in time is reached at `now`; the caller removes it or reschedules it. */
  takeDue(now: Instant): Sa | undefined {
    return this.#timers.take(now);
  }

  nextDue(): { readonly key: Sa; readonly at: Instant } | undefined {
    return this.#timers.next();
  }

  #index(sa: EstablishedSa): void {
    for (const path of pathsOf(sa)) {
      const kin = this.#outbound.get(path);
      if (kin === undefined) this.#outbound.set(path, [sa]);
      else kin.push(sa);
    }
  }

  #unindex(sa: EstablishedSa): void {
    for (const path of pathsOf(sa)) {
      const others = this.#outbound.get(path)!.filter((other) => other !== sa);
      if (others.length > 0) this.#outbound.set(path, others);
      else this.#outbound.delete(path);
    }
  }
}

/** The next instant at which time reaches a limit of the SA. */
export function nextLimit(sa: Sa): Instant | undefined {
  if (sa.state === 'larval') return after(sa.addedAt, larvalLifetime);
  const hard = deadline(sa.hard, sa.usage);
  return sa.state === 'dying' ? hard : earlier(hard, deadline(sa.soft, sa.usage));
}

/** The UDP ports as this host sees them. */
export function encapsulationPorts(sa: Sa): 'none' | { readonly local: number; readonly remote: number } {
  if (sa.state === 'larval' || sa.encapsulation.kind !== 'udp') return 'none';
  const { sourcePort, destinationPort } = sa.encapsulation;
  return sa.direction === 'out' ? { local: sourcePort, remote: destinationPort } : { local: destinationPort, remote: sourcePort };
}

export const describeSpi = (spi: number): string => `SPI 0x${spi.toString(16).padStart(8, '0')}`;

const isOutbound = (sa: Sa): sa is EstablishedSa => sa.state !== 'larval' && sa.direction === 'out';
const nameOf = ({ protocol, spi, destination }: Pick<SaName, 'protocol' | 'spi' | 'destination'>): string => `${protocol} ${spi} ${destination}`;
const pathOf = ({ protocol, mode }: Pick<SaName, 'protocol' | 'mode'>, { source, destination }: Addresses, reqid: number): string => `${protocol} ${mode} ${source} ${destination} ${reqid}`;
const pathsOf = (sa: SaName): ReadonlySet<string> => new Set([pathOf(sa, sa, sa.reqid), pathOf(sa, sa, 0)]);
