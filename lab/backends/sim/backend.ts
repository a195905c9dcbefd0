/** The simulator as a backend: everything in this process, virtual time. */
import type { Mapping } from '../../../src/core/events.ts';
import { after } from '../../../src/core/time.ts';
import type { Duration, Instant } from '../../../src/core/time.ts';
import type { EndpointCommand } from '../../../src/host/ports.ts';
import type { NatControl } from '../../../src/nat/behaviour.ts';
import { createEndpoint } from '../../../src/host/endpoint.ts';
import type { WorldPlan } from '../../../src/sim/plan.ts';
import { World } from '../../../src/sim/world.ts';
import type { WorldOptions } from '../../../src/sim/world.ts';
import type { TraceLog } from '../../../src/trace/trace.ts';
import type { Backend, Lab, LabOptions, Predicate } from '../backend.ts';
import { Watch } from '../watch.ts';
import { withoutImages } from '../without-images.ts';

export const sim: Backend = {
  name: 'sim',
  clock: 'virtual',
  natEngines: ['machine'],
  natEngine: () => 'machine',
  probe: () => Promise.resolve({ usable: true, requirements: [{ name: 'Node.js', present: true, detail: process.version }] }),
  unsupported: withoutImages,
  open: (plan, options) => Promise.resolve(new SimulatedLab(plan, options)),
};

/** How long the simulation runs before the process looks up: Ctrl-C and a terminal want to be served too. */
const sliceMs = 100;
/** The clock on the wall is looked at once in so many events. */
const looks = 256;

/** All labs of the process have one: a hundred short waits keep it as busy as a long one does. */
let sliceEnds = -Infinity;

async function lookUp(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  sliceEnds = performance.now() + sliceMs;
}

export class SimulatedLab implements Lab {
  readonly #world: World;
  readonly #trace: TraceLog;
  readonly #signal: AbortSignal | undefined;

  constructor(plan: WorldPlan, { seed, trace, signal, programs }: LabOptions, endpoint: WorldOptions['endpoint'] = createEndpoint) {
    this.#trace = trace;
    this.#signal = signal;
    this.#world = new World(plan, { seed, trace, endpoint, programs });
  }

  get now(): Instant {
    return this.#world.now;
  }

  command(host: string, command: EndpointCommand): void {
    this.#world.command(host, command);
  }

  control(box: string, control: NatControl): Promise<void> {
    this.#world.control(box, control);
    return Promise.resolve();
  }

  mappings(box: string): Promise<readonly Mapping[]> {
    return Promise.resolve(this.#world.mappings(box));
  }

  link(segment: string, state: 'up' | 'down'): Promise<void> {
    this.#world.disturb(segment, { kind: state });
    return Promise.resolve();
  }

  async until(what: Predicate, within: Duration, since: number): Promise<'met' | 'timed out'> {
    const watch = new Watch(this.#trace, what, since);
    const deadline = after(this.#world.now, within);
    try {
      for (;;) {
        if (performance.now() > sliceEnds) await lookUp();
        let asked = 0;
        const outcome = this.#world.runUntil(() => watch.met || (++asked % looks === 0 && performance.now() > sliceEnds), deadline);
        if (watch.met || outcome === 'timed out' || this.#signal?.aborted) return watch.met ? 'met' : 'timed out';
      }
    } finally {
      watch.end();
    }
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
