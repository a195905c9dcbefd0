/**
 * The NAT table of a namespace's kernel as the lab's boxes tell it: a list of mappings, and an event when one is made, expires or is taken away.
 *
 * Linux notices that an entry's time is over only when somebody comes across it: a packet, a collector that may take a minute, or somebody who
 * lists the table. So the table is listed when the earliest entry is due, and again soon after until it is gone: 'mapping-expired' is
 * some tenths of a second late at the most, and never early. The kernel counts in whole seconds.
 */
import type { Endpoint } from '../../../src/core/address.ts';
import type { Mapping, NatEvent } from '../../../src/core/events.ts';
import { milliseconds, scaled } from '../../../src/core/time.ts';
import type { Duration } from '../../../src/core/time.ts';
import * as stories from '../../../src/nat/stories.ts';
import { numericAddress } from '../../../src/nat/table.ts';
import type { NumericEndpoint } from '../../../src/nat/table.ts';
import { NFNLGRP_CONNTRACK_DESTROY, NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, flushEntries, listEntries, readEvent, readTranslation } from './conntrack.ts';
import type { Translation } from './conntrack.ts';
import type { NetworkNamespace } from './namespace.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from './netlink.ts';
import type { Poller } from './poller.ts';

/** How long after a listing the next one may come, where an entry is due. */
const patience = milliseconds(100);

export interface KernelNatOptions {
  /** The box's name, for the sentences. */
  readonly box: string;
  /** How many times faster than the kernel's the lab's time passes. */
  readonly rate: number;
  readonly report: (event: NatEvent) => void;
}

/** Why everything in the table goes before its time. */
export type Clearance = 'flushed' | 'reboot' | 'address-changed';

export class KernelNat {
  readonly #box: string;
  readonly #rate: number;
  readonly #report: (event: NatEvent) => void;
  readonly #poller: Poller;
  readonly #requests: NetlinkSocket;
  readonly #events: NetlinkSocket;
  /** What the events have told of, with the lifetime that each had when it was last refreshed, as far as the kernel said. */
  readonly #known = new Map<number, Translation & { readonly lifetime: Duration }>();
  #timer: NodeJS.Timeout | undefined;
  #due = Infinity;
  #closed = false;

  /** Before the first packet passes: entries that were there earlier are not told of. */
  constructor(namespace: NetworkNamespace, poller: Poller, { box, rate, report }: KernelNatOptions) {
    this.#box = box;
    this.#rate = rate;
    this.#report = report;
    this.#poller = poller;
    namespace.sysctls({ 'netfilter/nf_conntrack_events': 1 });
    this.#requests = new NetlinkSocket(NETLINK_NETFILTER, namespace);
    this.#events = new NetlinkSocket(NETLINK_NETFILTER, namespace);
    for (const group of [NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, NFNLGRP_CONNTRACK_DESTROY]) this.#events.subscribe(group);
    poller.add(this.#events.fd, () => this.#read());
  }

  /** The table as it is now. The kernel has one row a remote endpoint; ports of ESP are 0. */
  mappings(): Mapping[] {
    const translations = this.#list();
    this.#read();
    return translations.map(({ mapping }) => mapping);
  }

  /**
   * Empties the table. A box that reboots does no more than that here: its rules and addresses are configuration that comes back with it.
   * Where the outside address changes, `act` changes it (`changeAddress` of links.ts, and new rules where they name it): the kernel itself forgets
   * what was masqueraded behind an address that goes.
   */
  clear(why: Clearance, act: () => void = () => undefined): void {
    this.#read();
    act();
    this.#requests.commit([flushEntries]);
    this.#read(why);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#poller.remove(this.#events.fd);
    this.#events.close();
    this.#requests.close();
  }

  #list(): Translation[] {
    return this.#requests.dump(listEntries).flatMap((message) => this.#inLabTime(readTranslation(message)) ?? []);
  }

  /** Takes in what the kernel has told since the last time; what is gone went by itself, or because of `why`. */
  #read(why?: Clearance): void {
    const { messages, lost } = this.#events.events();
    for (const message of messages) {
      const event = readEvent(message);
      if (event === undefined) continue;
      const translation = this.#inLabTime(event.translation)!;
      if (event.kind === 'destroy') this.#gone(translation, why);
      else this.#alive(translation);
    }
    // A burst that the socket had no room for: the table itself says what was missed.
    if (lost) this.#compare(why);
  }

  #compare(why?: Clearance): void {
    const listed = new Map(this.#list().map((translation) => [translation.id, translation]));
    for (const [id, translation] of this.#known) if (!listed.has(id)) this.#gone(translation, why);
    for (const translation of listed.values()) this.#alive(translation);
  }

  #alive(translation: Translation): void {
    const { id, mapping } = translation;
    const before = this.#known.get(id);
    this.#known.set(id, { ...translation, lifetime: mapping.expiresIn });
    this.#lookAgainIn(mapping.expiresIn);
    if (before === undefined) this.#report({ kind: 'mapping-created', mapping, story: stories.created(this.#box, told(translation), mapping.expiresIn) });
  }

  #gone(translation: Translation, why?: Clearance): void {
    const known = this.#known.get(translation.id);
    this.#known.delete(translation.id);
    const mapping = { ...translation.mapping, expiresIn: milliseconds(0) };
    if (why !== undefined) {
      this.#report({ kind: 'mapping-removed', mapping, why, story: stories.removed(this.#box, told(translation), why) });
    } else {
      this.#report({ kind: 'mapping-expired', mapping, story: stories.expired(this.#box, told(translation), known?.lifetime ?? mapping.expiresIn) });
    }
  }

  /** The kernel's seconds as the lab counts them. */
  #inLabTime(translation: Translation | undefined): Translation | undefined {
    return translation && { ...translation, mapping: { ...translation.mapping, expiresIn: scaled(translation.mapping.expiresIn, this.#rate) } };
  }

  #lookAgainIn(wait: Duration): void {
    const due = performance.now() + Math.max(wait / this.#rate, patience);
    if (this.#closed || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#look(), due - performance.now());
    this.#timer.unref();
  }

  #look(): void {
    this.#due = Infinity;
    const earliest = Math.min(...this.#list().map(({ mapping }) => mapping.expiresIn));
    this.#read();
    if (Number.isFinite(earliest)) this.#lookAgainIn(milliseconds(earliest));
  }
}

const numeric = ({ address, port }: Endpoint): NumericEndpoint => ({ address: numericAddress(address), port });

const told = ({ origin, mapping: { protocol, inside, outside, remote } }: Translation): stories.ToldRow => ({
  protocol,
  origin,
  inside: numeric(inside),
  outside: numeric(outside),
  remote: numeric(remote),
});
