/** From findings back to a box: measure a real one, then replay it in the lab. */
import { stringify } from 'yaml';
import { milliseconds, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { NatBehaviour, NatPreset } from '../../src/nat/behaviour.ts';
import { changed, presets } from '../../src/nat/presets.ts';
import type { BehaviourChanges } from '../../src/nat/presets.ts';
import type { Classification, Finding, Lifetime } from '../../src/probe/classification.ts';
import { disagreements, expectationOf } from './expectation.ts';

/** By how much a span may miss a preset's time and still mean it. */
const slack = seconds(1);

const contradictions = (findings: Classification, behaviour: NatBehaviour): number =>
  disagreements(findings, expectationOf(behaviour), slack).filter(({ measure }) => findings[measure].measured).length;

/** The preset that the findings contradict least. */
export const nearestPreset = (findings: Classification, among: readonly NatPreset[] = presets): NatPreset =>
  among.reduce((best, preset) => (contradictions(findings, preset.behaviour) < contradictions(findings, best.behaviour) ? preset : best));

/**
 * The base with the knobs turned that bring it nearest to the findings, one after the other, as long as one more brings it nearer. What a behaviour shows is
 * what `expectationOf` says, so that there is one place that knows. What was not measured, or cannot be told from outside, stays as the base has it.
 */
export function behaviourOf(findings: Classification, base: NatBehaviour): NatBehaviour {
  const turns = possibleTurns(findings, base);
  let [behaviour, left] = [base, contradictions(findings, base)];
  while (left > 0) {
    const tried = turns.map((turn) => changed(behaviour, turn)).map((turned) => ({ turned, left: contradictions(findings, turned) }));
    const best = tried.reduce((a, b) => (b.left < a.left ? b : a));
    if (best.left >= left) return behaviour;
    [behaviour, left] = [best.turned, best.left];
  }
  return behaviour;
}

/** Every knob that a finding may speak of, in every position; lives as they were measured. */
function possibleTurns(findings: Classification, { timeouts }: NatBehaviour): BehaviourChanges[] {
  const dependences = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'] as const;
  const ikePorts = [[], [500], [4500], [500, 4500]];
  const life = (finding: Finding<Lifetime>, turn: (life: Duration) => BehaviourChanges['timeouts'], before: Duration): BehaviourChanges[] => {
    const timers = finding.measured ? turn(likely(finding.value, before)) : undefined;
    return timers === undefined ? [] : [{ timeouts: timers }];
  };
  const portLives = (): BehaviourChanges['timeouts'] => ({
    byRemotePort: Object.fromEntries(([[500, findings.replied500], [4500, findings.replied4500]] as const).flatMap(([port, finding]) => (finding.measured ? [[port, likely(finding.value, timeouts.replied)]] : []))),
  });
  return [
    ...dependences.flatMap((dependence) => [{ mapping: dependence }, { filtering: dependence }]),
    ...(['preserve', 'sequential', 'random'] as const).map((assignment) => ({ ports: { assignment } })),
    ...(['another-port', 'refuse', 'turn-symmetric'] as const).map((onConflict) => ({ ports: { onConflict } })),
    ...([false, 'per-remote'] as const).map((overloading) => ({ ports: { overloading } })),
    ...(['any', 'preserve'] as const).map((parity) => ({ ports: { parity } })),
    ...[true, false].map((keepLowApart) => ({ ports: { keepLowApart } })),
    ...(['paired', 'arbitrary'] as const).flatMap((pooling) => [1, 2].map((addresses) => ({ pool: { addresses, pooling, byRemotePort: {} } }))),
    { pool: { addresses: 2, pooling: 'paired', byRemotePort: { 500: 0, 4500: 1 } } },
    ...([false, 'external-source', 'internal-source'] as const).map((hairpinning) => ({ hairpinning })),
    ...(['outbound', 'inbound', 'both'] as const).map((refresh) => ({ refresh })),
    ...(['reassemble', 'follow', 'first-only', 'drop'] as const).map((fragments) => ({ fragments })),
    ...(['kept', 'computed', 'adjusted'] as const).map((fate) => ({ zeroChecksum: fate })),
    ...ikePorts.flatMap((ports) => (['refuse', 'steal', 'share-by-cookie'] as const).flatMap((onConflict) => (['per-server', 'whole-box'] as const).map((scope) => ({ pinned: { ports, onConflict, scope } })))),
    ...(['blocked', 'one-client', 'one-per-server', 'by-spi'] as const).map((esp) => ({ esp })),
    ...(['translated', 'outer-only', 'dropped'] as const).map((icmpErrors) => ({ icmpErrors })),
    ...([[], ['strip-vendor-ids'], ['strip-nat-detection'], ['strip-vendor-ids', 'strip-nat-detection']] as const).map((helpers) => ({ helpers })),
    ...ikePorts.map((blockedUdpPorts) => ({ blockedUdpPorts })),
    ...life(findings.unreplied, (unreplied) => ({ unreplied }), timeouts.unreplied),
    ...life(findings.replied, (replied) => ({ replied }), timeouts.replied),
    ...life(findings.icmpLife, (icmp) => ({ icmp }), timeouts.icmp),
    ...life(findings.tcpHalfOpen, (tcpTransitory) => ({ tcpTransitory }), timeouts.tcpTransitory),
    { timeouts: portLives()! },
  ];
}

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
