/** From findings back to a box: measure a real one, then replay it in the lab. */
import { stringify } from 'yaml';
import { milliseconds, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { NatBehaviour, NatPreset } from '../../src/nat/behaviour.ts';
import { changed, presets } from '../../src/nat/presets.ts';
import type { BehaviourChanges } from '../../src/nat/presets.ts';
import type { Classification, Finding, Lifetime, Measure, Measured } from '../../src/probe/classification.ts';
import { disagreements, expectationOf } from './expectation.ts';

/** By how much a span may miss a preset's time and still mean it. */
const slack = seconds(1);

/** The preset that the findings contradict least. */
export function nearestPreset(findings: Classification, among: readonly NatPreset[] = presets): NatPreset {
  const count = ({ behaviour }: NatPreset): number => disagreements(findings, expectationOf(behaviour), slack).filter(({ measure }) => findings[measure].measured).length;
  return among.reduce((best, preset) => (count(preset) < count(best) ? preset : best));
}

/** The base with every knob turned that the findings say something of. What was not measured stays as the base has it. */
export function behaviourOf(findings: Classification, base: NatBehaviour): NatBehaviour {
  const knobs = (Object.keys(turn) as Measure[]).flatMap((measure) => {
    const finding: Finding<unknown> = findings[measure];
    return finding.measured ? [(turn[measure] as (value: unknown, behaviour: NatBehaviour) => BehaviourChanges)(finding.value, base)] : [];
  });
  const both = findings.refreshInbound.measured && findings.refreshOutbound.measured ? { refresh: refreshOf(findings.refreshOutbound.value, findings.refreshInbound.value) } : {};
  const expected = expectationOf(base);
  // a knob is left alone where the base would show the same: from outside they cannot be told apart
  const contradicted = disagreements(findings, expected, slack);
  if (contradicted.length === 0) return base;
  return [...knobs, both].reduce<NatBehaviour>((behaviour, knob) => changed(behaviour, knob), base);
}

const refreshOf = (outbound: boolean, inbound: boolean): NatBehaviour['refresh'] => (outbound ? (inbound ? 'both' : 'outbound') : 'inbound');

const turn: { readonly [Name in Measure]: (value: Measured[Name], base: NatBehaviour) => BehaviourChanges } = {
  translation: () => ({}),
  mapping: (mapping) => ({ mapping }),
  filtering: (filtering) => ({ filtering }),
  ports: (assignment) => ({ ports: { assignment } }),
  parity: () => ({}),
  contiguity: () => ({}),
  pooling: () => ({}),
  conflict: (outcome) => (outcome === 'the same port' ? {} : { ports: { onConflict: outcome === 'refused' ? 'refuse' : 'another-port' } }),
  overloading: (overloading, { ports }) => (overloading === (ports.overloading !== false) || !overloading ? {} : { ports: { overloading: 'per-remote' } }),
  hairpinning: (outcome) => ({ hairpinning: outcome === 'none' ? false : outcome === 'internal source' ? 'internal-source' : 'external-source' }),
  unreplied: (life, { timeouts }) => ({ timeouts: { unreplied: likely(life, timeouts.unreplied) } }),
  replied: (life, { timeouts }) => ({ timeouts: { replied: likely(life, timeouts.replied) } }),
  refreshOutbound: () => ({}),
  refreshInbound: () => ({}),
};

/** The roundest time of a span: nobody sets a timer to 29.7 s. The base's own where it lies in it, or where only the beginning is known. */
export function likely({ atLeast, below }: Lifetime, base: Duration): Duration {
  const [from, to] = [atLeast - slack / 4, below === undefined ? Infinity : below + slack / 4];
  if (base >= from && base <= to) return base;
  if (below === undefined) return atLeast;
  for (const unit of [3600, 1800, 600, 300, 60, 30, 10, 5, 1].map(seconds)) {
    const round = Math.ceil(from / unit) * unit;
    if (round > 0 && round <= to) return milliseconds(round);
  }
  return milliseconds(Math.round((from + to) / 2));
}

/** A topology file around the box: the preset that comes nearest, and the knobs in which it differs. */
export function toYaml(findings: Classification, origin: string): string {
  const preset = nearestPreset(findings);
  const knobs = difference(behaviourOf(findings, preset.behaviour), preset.behaviour);
  const missing = (Object.entries(findings) as [string, Finding<unknown>][]).flatMap(([measure, finding]) => (finding.measured ? [] : [`#   ${measure}: ${finding.why}`]));
  const file = {
    title: `A home behind the box that ${origin}`,
    segments: { home: {}, internet: { latency: '10 ms' }, office: {} },
    nats: { box: { inside: 'home', outside: 'internet', preset: preset.name, ...(Object.keys(knobs).length > 0 && { behaviour: knobs }) } },
    hosts: { alice: { on: 'home', connectsTo: 'gateway' }, gateway: { on: 'internet', protects: 'office' }, server: { on: 'office' } },
  };
  const notes = missing.length === 0 ? [] : ['# Not measured, and therefore as the preset has it:', ...missing];
  return [...notes, stringify(file, { lineWidth: 100 })].join('\n');
}

/** What differs, as a topology file says it: durations in words. */
function difference(behaviour: NatBehaviour, base: NatBehaviour): Record<string, unknown> {
  const knobs = Object.entries(behaviour) as [keyof NatBehaviour, unknown][];
  return Object.fromEntries(
    knobs.flatMap(([knob, value]) => {
      const before: unknown = base[knob];
      if (JSON.stringify(value) === JSON.stringify(before)) return [];
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[knob, value]];
      const inner = Object.entries(value).filter(([name, one]) => JSON.stringify(one) !== JSON.stringify((before as Record<string, unknown>)[name]));
      return [[knob, Object.fromEntries(inner.map(([name, one]) => [name, knob === 'timeouts' && typeof one === 'number' ? `${one / 1000} s` : (one as unknown)]))]];
    }),
  );
}
