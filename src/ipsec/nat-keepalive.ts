/** NAT keepalives that the stack sends by itself (illumos): for every outbound SA in UDP of which the daemon says that a NAT is in front of this host. */
import { after, seconds, type Duration, type Instant } from '../core/time.ts';
import { Timers } from '../core/timers.ts';
import { natKeepalive } from '../wire/natt.ts';
import type { Kernel } from './kernel.ts';
import type { EstablishedSa } from './sad.ts';

/** ipsecesp_nat_keepalive_interval: 0 to 600 s. */
const longest = seconds(600);

export class NatKeepalives {
  readonly #kernel: Kernel;
  readonly #interval: Duration | 'off';
  readonly #timers = new Timers<EstablishedSa>();

  /** Throws for an interval of more than 600 s: the configuration is checked before. */
  constructor(kernel: Kernel, interval: Duration | 'off') {
    if (interval !== 'off' && interval > longest) throw new RangeError(`a keepalive interval of ${interval} ms`);
    this.#kernel = kernel;
    this.#interval = interval;
  }

  /** From now on, while the SA is what it must be. */
  watch(sa: EstablishedSa, now: Instant): void {
    if (this.#interval === 'off' || this.#interval === 0 || !isKeptAlive(sa)) this.#timers.cancel(sa);
    else this.#timers.set(sa, after(now, this.#interval));
  }

  wake(now: Instant): void {
    for (let sa = this.#timers.take(now); sa !== undefined; sa = this.#timers.take(now)) this.#due(sa, now);
  }

  nextDue(): { readonly key: EstablishedSa; readonly at: Instant } | undefined {
    return this.#timers.next();
  }

  /** Silent for an interval: one octet 0xFF. Not silent: an interval from the last packet on. */
  #due(sa: EstablishedSa, now: Instant): void {
    const { encapsulation, source, destination, usage } = sa;
    if (this.#interval === 'off' || this.#kernel.sad.get(sa.protocol, sa.spi, destination) !== sa || encapsulation.kind !== 'udp') return;
    if (usage.lastUse !== undefined && after(usage.lastUse, this.#interval) > now) {
      this.watch(sa, usage.lastUse);
      return;
    }
    this.#kernel.emit({ kind: 'datagram', local: { address: source, port: encapsulation.sourcePort }, peer: { address: destination, port: encapsulation.destinationPort }, payload: natKeepalive });
    this.watch(sa, now);
  }
}

const isKeptAlive = ({ direction, encapsulation, behindNat }: EstablishedSa): boolean => direction === 'out' && encapsulation.kind === 'udp' && behindNat;
