import type { Happening } from '../core/events.ts';
import type { Instant } from '../core/time.ts';
import type { Kind, TraceBody, TraceEvent } from './events.ts';

/** Something of a certain kind that happened: its body's fields are at hand without asking for the layer again. */
export type EventOf<K extends Kind> = TraceEvent & { readonly body: Extract<TraceBody, { kind: K }> };

/** Read-only view of what happened: what checks and reports are functions of. */
export interface Trace {
  readonly events: readonly TraceEvent[];
  /** All events of a kind, in order; of one node when named. */
  of<K extends Kind>(kind: K, node?: string): readonly EventOf<K>[];
}

/** The one log of an act. It only grows. */
export class TraceLog implements Trace {
  readonly events: TraceEvent[] = [];
  readonly #byKind = new Map<Kind, TraceEvent[]>();
  readonly #listeners = new Set<(event: TraceEvent) => void>();
  readonly #firstSeq: number;

  /** Numbers start at `firstSeq`: the acts of one scenario are numbered through. */
  constructor(firstSeq = 0) {
    this.#firstSeq = firstSeq;
  }

  get nextSeq(): number {
    return this.#firstSeq + this.events.length;
  }

  record(at: Instant, node: string, happening: Happening, cause?: number): TraceEvent {
    const { layer, body } = happening;
    const event = (cause === undefined ? { seq: this.nextSeq, at, node, layer, body } : { seq: this.nextSeq, at, node, layer, body, cause }) as TraceEvent;
    this.events.push(event);
    const kin = this.#byKind.get(event.body.kind);
    if (kin) kin.push(event);
    else this.#byKind.set(event.body.kind, [event]);
    for (const listener of this.#listeners) listener(event);
    return event;
  }

  of<K extends Kind>(kind: K, node?: string): readonly EventOf<K>[] {
    const kin = (this.#byKind.get(kind) ?? []) as unknown as readonly EventOf<K>[];
    return node === undefined ? kin : kin.filter((event) => event.node === node);
  }

  /** Calls back on every event from now on; the returned function ends that. */
  listen(listener: (event: TraceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
