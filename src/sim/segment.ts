import type { IpAddress } from '../core/address.ts';
import type { ImpairmentEvent } from '../core/events.ts';
import type { Machine, WakeUp } from '../core/machine.ts';
import { Queue } from '../core/queue.ts';
import { fraction, type Random } from '../core/random.ts';
import { after, milliseconds, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';
import type { Impairment, SegmentPlan } from './plan.ts';

/** Where a node is attached. */
export interface Station {
  readonly node: string;
  readonly interface: string;
}

/** A packet under way to a neighbour. Its bytes are shared with everybody who saw it, so nobody writes into them. */
export interface Frame {
  readonly from: Station;
  readonly to: Station;
  readonly packet: Uint8Array;
  /** The trace event of its sending. */
  readonly cause: number;
}

export type SegmentInput =
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'up' | 'down' }
  /** From now on: packets under way arrive as they would have. */
  | { readonly kind: 'impair'; readonly impairment: Impairment }
  /** The stations still believe in the MTU of the plan: a smaller one is a black hole. */
  | { readonly kind: 'mtu'; readonly mtu: number };

export type SegmentOutput =
  | { readonly kind: 'deliver'; readonly frame: Frame }
  | { readonly kind: 'event'; readonly frame: Frame; readonly event: ImpairmentEvent };

/**
 * A LAN or a point-to-point link, which may lose, double, delay and overtake. There is no ARP: who is attached is known. Each pair of stations
 * has its own chance, so that one more of them does not change the luck of the others.
 */
export class Segment implements Machine<SegmentInput, SegmentOutput> {
  readonly name: string;
  readonly #random: Random;
  readonly #chances = new Map<string, Map<string, Random>>();
  readonly #stations = new Map<IpAddress, Station>();
  /** Every frame has its own time of arrival; equal ones arrive in the order in which they were sent. */
  readonly #underWay = new Timers<Frame>();
  readonly #outputs = new Queue<SegmentOutput>();
  #impairment: Impairment;
  #mtu: number;
  #up = true;

  constructor({ name, impairment, mtu }: SegmentPlan, random: Random) {
    this.name = name;
    this.#impairment = impairment;
    this.#mtu = mtu;
    this.#random = random;
  }

  /** The station answers for the address from now on. */
  attach(address: IpAddress, station: Station): void {
    this.#stations.set(address, station);
  }

  detach(address: IpAddress): void {
    this.#stations.delete(address);
  }

  /** Who has the address here. */
  neighbour(address: IpAddress): Station | undefined {
    return this.#stations.get(address);
  }

  handle(now: Instant, input: SegmentInput): void {
    switch (input.kind) {
      case 'frame':
        return this.#carry(now, input.frame);
      case 'up':
        this.#up = true;
        return;
      case 'down':
        return this.#goDown();
      case 'impair':
        this.#impairment = input.impairment;
        return;
      case 'mtu':
        this.#mtu = input.mtu;
        return;
    }
  }

  wake(now: Instant): void {
    for (let frame = this.#underWay.take(now); frame !== undefined; frame = this.#underWay.take(now)) this.#outputs.push({ kind: 'deliver', frame });
  }

  poll(): SegmentOutput | undefined {
    return this.#outputs.shift();
  }

  nextWake(): WakeUp | undefined {
    const next = this.#underWay.next();
    return next && { at: next.at, reason: `a packet arrives on ${this.name}` };
  }

  #carry(now: Instant, frame: Frame): void {
    const { loss, duplication, reordering } = this.#impairment;
    if (!this.#up) return this.#tell('down', frame);
    if (frame.packet.length > this.#mtu) return this.#tell('too-big', frame);
    const chance = this.#chanceOf(frame);
    if (happens(loss, chance)) return this.#tell('lost', frame);
    const heldBack = happens(reordering, chance);
    if (heldBack) this.#tell('reordered', frame);
    this.#send(now, frame, chance, heldBack);
    if (happens(duplication, chance)) {
      this.#tell('duplicated', frame);
      this.#send(now, { ...frame }, chance, false);
    }
  }

  #send(now: Instant, frame: Frame, chance: Random, heldBack: boolean): void {
    const { latency, jitter, reorderDelay } = this.#impairment;
    const varied = jitter === 0 ? latency : Math.max(0, latency + jitter * (2 * fraction(chance) - 1));
    this.#underWay.set(frame, after(now, milliseconds(varied + (heldBack ? reorderDelay : 0))));
  }

  #goDown(): void {
    this.#up = false;
    for (let next = this.#underWay.next(); next !== undefined; next = this.#underWay.next()) {
      this.#underWay.cancel(next.key);
      this.#tell('down', next.key);
    }
  }

  #chanceOf({ from, to }: Frame): Random {
    let chances = this.#chances.get(from.node);
    if (chances === undefined) this.#chances.set(from.node, (chances = new Map<string, Random>()));
    let chance = chances.get(to.node);
    if (chance === undefined) chances.set(to.node, (chance = this.#random.fork(`${from.node}/${to.node}`)));
    return chance;
  }

  #tell(how: ImpairmentEvent['how'], frame: Frame): void {
    this.#outputs.push({ kind: 'event', frame, event: { kind: 'impaired', segment: this.name, how, bytes: frame.packet } });
  }
}

/** Draws only where there is a chance, so that a perfect link costs nothing. */
const happens = (probability: number, chance: Random): boolean => probability > 0 && fraction(chance) < probability;
