/** Results for programs: schema 1, one object a scenario. */
import { countDrops } from './drops.ts';
import type { CheckResult, ScenarioResult } from '../run.ts';

export interface JsonResult {
  readonly schema: 1;
  readonly scenario: string;
  readonly title: string;
  readonly backend: string;
  readonly topology: string;
  readonly nat: Readonly<Record<string, string>>;
  /** What each box ran on: the kernel's own NAT, or the `NatBox` machine. */
  readonly engine: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly seed: number;
  readonly verdict: string;
  readonly interrupted: boolean;
  readonly checks: readonly CheckResult[];
  readonly acts: readonly object[];
  readonly time: { readonly clock: string; readonly elapsedMs: number; readonly wallMs: number };
}

export function toJson({ scenario, backend, clock, values, seed, verdict, acts, interrupted, wallMs }: ScenarioResult): JsonResult {
  const [first] = acts;
  return {
    schema: 1,
    scenario: scenario.id,
    title: scenario.title,
    backend,
    topology: first?.topology.name ?? '',
    nat: first?.topology.presets ?? {},
    engine: first?.engines ?? {},
    parameters: values,
    seed,
    verdict,
    interrupted,
    checks: acts.flatMap(({ checks }) => checks),
    acts: acts.map(({ act, topology, engines, trace, elapsed }) => ({ id: act.id, title: act.title, topology: topology.name, nat: topology.presets, engine: engines, drops: countDrops(trace), elapsedMs: Math.round(elapsed) })),
    time: { clock, elapsedMs: Math.round(acts.reduce((sum, { elapsed }) => sum + elapsed, 0)), wallMs },
  };
}

/** For JSON.stringify: octets as hex. */
export const octetsAsHex = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);

/** One line of the trace on disk; octets as hex. */
export const traceLine = (act: string, event: object): string => JSON.stringify({ act, ...event }, octetsAsHex);
