/** The probe in a world of the lab's, simulated or real. */
import { seeded } from '../../src/core/random.ts';
import { minutes, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import { powers } from '../../src/probe/attributes.ts';
import type { Power } from '../../src/probe/attributes.ts';
import { Prober } from '../../src/probe/prober.ts';
import type { Outcome } from '../../src/probe/prober.ts';
import { Responder, stunPorts } from '../../src/probe/responder.ts';
import type { RawProgram } from '../../src/sim/raw-node.ts';
import { TraceLog } from '../../src/trace/trace.ts';
import type { Backend, NatEngineChoice } from '../backends/backend.ts';
import { conversation } from './expectation.ts';
import { proberHost, responderHost } from './place.ts';
import type { ProbePlan } from './place.ts';

/** In the lab both ends have their hosts to themselves. */
const all: ReadonlySet<Power> = new Set(Object.keys(powers) as Power[]);

export interface Pace {
  readonly patience: Duration;
  readonly longest: Duration;
}

/** Where time costs nothing every life is waited for; where it is real, as far as the RFC's two minutes and a little more. */
export const paceOf: Record<Backend['clock'], Pace> = {
  virtual: { patience: seconds(3), longest: minutes(20) },
  real: { patience: seconds(6), longest: minutes(3) },
};

export interface ProbeOptions extends Partial<Pace> {
  readonly backend: Backend;
  readonly natEngine?: NatEngineChoice;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** Undefined when it was interrupted. */
export async function runProbe({ plan, prober: hosts, responder: addresses }: ProbePlan, { backend, natEngine = 'auto', seed, signal, ...pace }: ProbeOptions): Promise<Outcome | undefined> {
  const responder = new Responder({ addresses, ports: stunPorts, powers: all });
  const prober = new Prober({ hosts, powers: all, server: { address: addresses[0], port: stunPorts[0] }, conversation, ...paceOf[backend.clock], ...pace }, seeded(seed, 'probe'));
  const trace = new TraceLog();
  const programs = new Map<string, RawProgram>([[proberHost, prober], [responderHost, responder]]);
  await using lab = await backend.open(plan, { seed, trace, natEngine, signal, programs });
  while (prober.outcome === undefined && signal?.aborted !== true) await lab.until({ describe: 'the probe is done', sees: () => prober.outcome !== undefined }, seconds(2), trace.nextSeq);
  return prober.outcome;
}
