/** Two hosts on one cable, and a third behind a router: the smallest networks that the tests of this folder need. */
import { ip } from '../../../src/core/address.ts';
import type { Behaviour } from '../../../lab/backends/linux/links.ts';
import { Interfaces, wire } from '../../../lab/backends/linux/links.ts';
import { createNamespace } from '../../../lab/backends/linux/namespace.ts';
import { Poller } from '../../../lab/backends/linux/poller.ts';

export const host = (behaviour: Partial<Behaviour> = {}): Interfaces => new Interfaces(createNamespace(), { forwarding: false, ipv6: false, ...behaviour });

export interface TwoHosts extends AsyncDisposable {
  readonly a: Interfaces;
  readonly b: Interfaces;
  readonly poller: Poller;
}

/** a: 10.0.0.1 and fd00::1, b: 10.0.0.2 and fd00::2, both on `eth0`. */
export function twoHosts({ mtu = 1500, ipv6 = false }: { readonly mtu?: number; readonly ipv6?: boolean } = {}): TwoHosts {
  const [a, b] = [host({ ipv6 }), host({ ipv6 })];
  const addresses = (n: number) => [{ address: ip(`10.0.0.${n}`), length: 24 }, ...(ipv6 ? [{ address: ip(`fd00::${n}`), length: 64 }] : [])];
  wire({ cables: [{ ends: [{ at: a, name: 'eth0', addresses: addresses(1) }, { at: b, name: 'eth0', addresses: addresses(2) }], mtu }] });
  const poller = new Poller();
  return {
    a,
    b,
    poller,
    [Symbol.asyncDispose]: async () => {
      await poller.close();
      for (const { namespace } of [a, b]) namespace.close();
      a.close();
      b.close();
    },
  };
}

/** Items as they come in, to be awaited: `next()` fails after a while when nothing comes. */
export class Inbox<Item> {
  readonly items: Item[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  readonly push = (item: Item): void => {
    this.items.push(item);
    this.#wake?.();
  };

  /** The next one that was not taken yet and fits; what does not fit is passed over. */
  async next(fits: (item: Item) => boolean = () => true): Promise<Item> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      while (this.#taken < this.items.length) {
        const item = this.items[this.#taken++]!;
        if (fits(item)) return item;
      }
      if (Date.now() >= deadline) throw new Error('nothing came in');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
