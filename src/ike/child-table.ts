/** Which child SA? The stack speaks of SPIs and reqids, and of all the versions' child SAs at once. */
import type { ChildSa } from './child.ts';
import type { ChildProtocol } from './config.ts';
import { addTo, removeFrom } from './index-of-sets.ts';

export class ChildSaTable {
  readonly #bySpi = new Map<string, ChildSa>();
  readonly #ofReqid = new Map<number, Set<ChildSa>>();
  #lastReqid = 0;

  newReqid(): number {
    return ++this.#lastReqid;
  }

  /** By the SPI that we receive with: each protocol has its own. */
  bySpi(protocol: ChildProtocol, spiIn: number): ChildSa | undefined {
    return this.#bySpi.get(`${protocol} ${spiIn}`);
  }

  all(): readonly ChildSa[] {
    return [...this.#bySpi.values()];
  }

  /** One, or two and more while a rekey is under way. */
  ofReqid(reqid: number): readonly ChildSa[] {
    return [...(this.#ofReqid.get(reqid) ?? [])];
  }

  add(child: ChildSa): void {
    this.#bySpi.set(`${child.protocol} ${child.spiIn}`, child);
    addTo(this.#ofReqid, child.reqid, child);
  }

  remove(child: ChildSa): void {
    this.#bySpi.delete(`${child.protocol} ${child.spiIn}`);
    removeFrom(this.#ofReqid, child.reqid, child);
  }
}
