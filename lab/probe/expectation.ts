/**
 * What packets must show of a box that behaves as its configuration says: a pure function from behaviour to classification. The probe itself knows nothing
 * of it; this is what its findings are held to.
 */
import { describeDuration, seconds } from '../../src/core/time.ts';
import type { Duration } from '../../src/core/time.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import type { ChecksumFate, Classification, ErrorFate, Finding, FragmentFate, Helper, Lifetime, Measure, Measured, Rival } from '../../src/probe/classification.ts';
import { stunPorts } from '../../src/probe/responder.ts';

/** A life is expected to be so long; it is measured as a span. */
type Expected<Value> = Value extends Lifetime ? Duration : Value;

/** What is not there cannot be told from outside. */
export type Expectation = { readonly [Name in Measure]?: Expected<Measured[Name]> | undefined };

/** How long the probe keeps a conversation up, in the lab, before it is silent: longer than any box here wants before it believes in a flow. */
export const conversation = seconds(25);

export function expectationOf(behaviour: NatBehaviour): Expectation {
  const { mapping, filtering, pool, ports, timeouts, refresh, blockedUdpPorts } = behaviour;
  const preserves = ports.assignment === 'preserve';
  const oneAddress = pool.addresses === 1;
  const paired = oneAddress || pool.pooling === 'paired'; // else chance decides which address a client has
  const unreplied = timeouts.byRemotePort[stunPorts[0]] ?? timeouts.unreplied;
  const conversed = (remotePort: number): Duration => timeouts.byRemotePort[remotePort] ?? (timeouts.repliedAfter <= conversation ? timeouts.replied : timeouts.unreplied);
  const isOpen = (port: number): boolean => !blockedUdpPorts.includes(port);
  const [on500, on4500, onEsp] = [rivalsOn(behaviour, 500), rivalsOn(behaviour, 4500), rivalsWithEsp(behaviour)];
  return {
    translation: true,
    mapping,
    filtering,
    ports: ports.assignment,
    parity: preserves || ports.parity === 'preserve' || (ports.assignment === 'random' ? false : undefined), // of one that counts up it hangs on where it began
    contiguity: ports.assignment === 'random' ? (ports.contiguous ? undefined : false) : ports.parity === 'any' ? true : undefined,
    pooling: paired ? 'one address' : 'several addresses',
    conflict: !preserves ? 'another port' : !paired ? undefined : !oneAddress ? 'another address' : ports.onConflict === 'refuse' ? 'refused' : 'another port',
    overloading: !paired || (preserves && oneAddress && ports.overloading === false && ports.onConflict === 'refuse') ? undefined : preserves && oneAddress && ports.overloading !== false,
    deterministic: !preserves || !oneAddress ? undefined : ports.onConflict === 'refuse' ? undefined : ports.onConflict !== 'turn-symmetric',
    lowPorts: preserves && (!oneAddress || ports.onConflict === 'refuse') ? undefined : ports.keepLowApart ? 'stay low' : ports.range[0] >= 1024 ? 'become high' : undefined,
    hairpinning: turnsAround(behaviour) ? hairpinSources[behaviour.hairpinning as keyof typeof hairpinSources] : 'none',
    unreplied,
    replied: conversed(stunPorts[0]),
    refreshOutbound: refresh !== 'inbound',
    refreshInbound: refresh !== 'outbound',
    fragments: fragmentFates[behaviour.fragments],
    fragmentsDisordered: fragmentFates[behaviour.fragments],
    fragmentsInward: fragmentFates[behaviour.fragments],
    zeroChecksum: checksumFates[behaviour.zeroChecksum],
    tcpMapping: mapping,
    tcpHalfOpen: timeouts.tcpTransitory,
    icmp: 'passes',
    icmpLife: timeouts.icmp,
    icmpErrors: errorFates[behaviour.icmpErrors],
    helper: isOpen(500) ? helperOf(behaviour) : undefined,
    ikeAddresses: !isOpen(500) || !isOpen(4500) ? undefined : lineOf(behaviour, 500) === lineOf(behaviour, 4500) ? (paired ? 'one' : undefined) : 'two',
    open500: isOpen(500),
    open4500: isOpen(4500),
    replied500: isOpen(500) ? conversed(500) : undefined,
    replied4500: isOpen(4500) ? conversed(4500) : undefined,
    port500: on500.first, rival500: on500.same, rival500Elsewhere: on500.elsewhere,
    port4500: on4500.first, rival4500: on4500.same, rival4500Elsewhere: on4500.elsewhere,
    esp: behaviour.esp === 'blocked' ? 'blocked' : 'passes',
    rivalEsp: onEsp.same, rivalEspElsewhere: onEsp.elsewhere,
  };
}

/** Two that know each other's outside endpoint from a third: with a mapping for each destination it is not the one that the other speaks from. */
const turnsAround = ({ hairpinning, mapping, filtering }: NatBehaviour): boolean => hairpinning !== false && (mapping === 'endpoint-independent' || filtering === 'endpoint-independent');

const hairpinSources = { 'external-source': 'external source', 'internal-source': 'internal source' } as const;

const fragmentFates: Record<NatBehaviour['fragments'], FragmentFate> = { 'reassemble': 'whole', 'follow': 'whole', 'first-only': 'first only', 'drop': 'dropped' };

const checksumFates: Record<NatBehaviour['zeroChecksum'], ChecksumFate> = { kept: 'left alone', computed: 'filled in', adjusted: 'made wrong' };

const errorFates: Record<NatBehaviour['icmpErrors'], ErrorFate> = { 'translated': 'translated', 'outer-only': 'outer only', 'dropped': 'dropped' };

function helperOf({ helpers }: NatBehaviour): Helper {
  const [inV1, inV2] = [helpers.includes('strip-vendor-ids'), helpers.includes('strip-nat-detection')];
  return inV1 ? (inV2 ? 'takes out both' : 'takes out vendor IDs') : inV2 ? 'takes out notifies' : 'none';
}

/** The place in the pool that traffic to this port leaves by; undefined: that of everything else. */
const lineOf = ({ pool }: NatBehaviour, port: number): number | undefined => (pool.addresses === 1 ? undefined : pool.byRemotePort[port]);

interface Rivals {
  readonly first?: 'kept' | 'changed' | 'blocked';
  readonly same?: Rival | undefined;
  readonly elsewhere?: Rival | undefined;
}

/** Two clients from one of IKE's ports. */
function rivalsOn(behaviour: NatBehaviour, port: number): Rivals {
  const { ports, pinned, pool, blockedUdpPorts } = behaviour;
  if (blockedUdpPorts.includes(port)) return { first: 'blocked' };
  if (pinned.ports.includes(port)) {
    const same = pinnedRivals[pinned.onConflict];
    return { first: 'kept', same, elsewhere: pinned.scope === 'per-server' ? 'shares' : same };
  }
  if (ports.assignment !== 'preserve') return { first: 'changed', same: 'its own', elsewhere: 'its own' };
  if (pool.addresses > 1 && lineOf(behaviour, port) === undefined) return pool.pooling === 'paired' ? { first: 'kept', same: 'its own', elsewhere: 'its own' } : { first: 'kept' };
  const rival = ports.onConflict === 'refuse' ? 'refused' : 'its own';
  return { first: 'kept', same: rival, elsewhere: ports.overloading === 'per-remote' ? 'shares' : rival };
}

const pinnedRivals: Record<NatBehaviour['pinned']['onConflict'], Rival> = { 'refuse': 'refused', 'steal': 'takes over', 'share-by-cookie': 'shares' };

/** Each on an outside address of its own they are not in each other's way. */
function rivalsWithEsp({ esp, pool }: NatBehaviour): Rivals {
  if (esp === 'blocked' || pool.addresses === 1) return espRivals[esp];
  return pool.pooling === 'paired' ? { same: 'its own', elsewhere: 'its own' } : {};
}

const espRivals: Record<NatBehaviour['esp'], Rivals> = {
  'blocked': {},
  'one-client': { same: 'refused', elsewhere: 'refused' },
  'one-per-server': { same: 'refused', elsewhere: 'shares' },
  'by-spi': { same: 'shares', elsewhere: 'shares' },
};

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
