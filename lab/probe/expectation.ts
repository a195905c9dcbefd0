/**
 * What packets must show of a box that behaves as its configuration says: a pure function from behaviour to classification. The probe itself knows nothing
 * of it; this is what its findings are held to.
 */
import { describeDuration } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import type { Classification, Finding, Lifetime, Measure, Measured } from '../../src/probe/classification.ts';
import { stunPorts } from '../../src/probe/responder.ts';

/** A life is expected to be so long; it is measured as a span. */
type Expected<Value> = Value extends Lifetime ? Duration : Value;

/** What is not there cannot be told from outside. */
export type Expectation = { readonly [Name in Measure]?: Expected<Measured[Name]> | undefined };

/** How long the probe keeps a conversation up before it is silent. */
const conversation = 25_000;

export function expectationOf(behaviour: NatBehaviour): Expectation {
  const { mapping, filtering, ports, timeouts, refresh } = behaviour;
  const preserves = ports.assignment === 'preserve';
  const serverPort = stunPorts[0];
  const unreplied = timeouts.byRemotePort[serverPort] ?? timeouts.unreplied;
  const believed = timeouts.byRemotePort[serverPort] ?? (timeouts.repliedAfter <= conversation ? timeouts.replied : timeouts.unreplied);
  return {
    translation: true,
    mapping,
    filtering,
    ports: ports.assignment,
    parity: ports.assignment === 'random' ? false : ports.assignment === 'sequential' ? undefined : true, // of one that counts up it hangs on where it began
    contiguity: ports.assignment !== 'random',
    pooling: 'one address',
    conflict: preserves && ports.onConflict === 'refuse' ? 'refused' : 'another port',
    overloading: preserves && ports.overloading !== false && mapping !== 'address-and-port-dependent',
    hairpinning: !turnsAround(behaviour) ? 'none' : behaviour.hairpinning === 'internal-source' ? 'internal source' : 'external source',
    unreplied,
    replied: believed,
    refreshOutbound: refresh !== 'inbound',
    refreshInbound: refresh !== 'outbound',
  };
}

/** Two that know each other's outside endpoint from a third: with a mapping for each destination it is not the one that the other speaks from. */
const turnsAround = ({ hairpinning, mapping, filtering }: NatBehaviour): boolean => hairpinning !== false && (mapping === 'endpoint-independent' || filtering === 'endpoint-independent');

export interface Disagreement {
  readonly measure: Measure;
  readonly expected: string;
  readonly found: string;
}

/** Where findings are not what was expected. `slack`: by how much a time may be missed. */
export function disagreements(findings: Classification, expectation: Expectation, slack: Duration): readonly Disagreement[] {
  return (Object.keys(findings) as Measure[]).flatMap((measure) => {
    const expected = expectation[measure];
    const finding: Finding<unknown> = findings[measure];
    if (expected === undefined || (finding.measured && agrees(finding.value, expected, slack))) return [];
    return [{ measure, expected: tell(expected), found: finding.measured ? tell(finding.value) : `not measured: ${finding.why}` }];
  });
}

const agrees = (value: unknown, expected: unknown, slack: Duration): boolean =>
  isLifetime(value) ? typeof expected === 'number' && value.atLeast <= expected + slack && (value.below === undefined || value.below >= expected - slack) : value === expected;

export const isLifetime = (value: unknown): value is Lifetime => typeof value === 'object' && value !== null && 'atLeast' in value;

/** `endpoint-independent`, `yes`, `29.6 s … 30.3 s`. */
export function tell(value: unknown): string {
  if (isLifetime(value)) return tellLifetime(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'number' ? describeDuration(value as Duration) : String(value);
}

function tellLifetime({ atLeast, below }: Lifetime): string {
  if (below === undefined) return `${shown(atLeast)} and longer`;
  return atLeast === 0 ? `less than ${shown(below)}` : `${shown(atLeast)} … ${shown(below)}`;
}

/** To a tenth of a second, which is more than anybody measures. */
const shown = (time: Duration): string => describeDuration((Math.round(time / 100) * 100) as Duration);
