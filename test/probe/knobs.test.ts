/** Knob by knob: one that the probe can see, turned alone on a plain box, is found, and nothing else with it. */
import { describe, expect, test } from 'vitest';
import { sim } from '../../lab/backends/sim/backend.ts';
import { disagreements, expectationOf } from '../../lab/probe/expectation.ts';
import { homeWith, placeProbe } from '../../lab/probe/place.ts';
import { behaviourOf, nearestPreset } from '../../lab/probe/replay.ts';
import { runProbe } from '../../lab/probe/run.ts';
import { vary } from '../../lab/topology/load.ts';
import type { LoadedTopology } from '../../lab/topology/load.ts';
import { planTopology } from '../../lab/topology/plan.ts';
import { seconds } from '../../src/core/time.ts';
import { presets } from '../../src/nat/presets.ts';
import type { NatBehaviour } from '../../src/nat/behaviour.ts';
import type { Classification } from '../../src/probe/classification.ts';

const slack = seconds(0.25);

const behaviourIn = (topology: LoadedTopology): NatBehaviour => planTopology(topology).plan.nodes.find((node) => node.kind === 'nat')!.box.behaviour;

async function found(topology: LoadedTopology): Promise<Classification> {
  const outcome = await runProbe(placeProbe(topology), { backend: sim, seed: 1 });
  if (outcome === undefined || outcome === 'unreachable') throw new Error(`the probe found nothing: ${String(outcome)}`);
  return outcome.findings;
}

const knobs: readonly (readonly [what: string, preset: string, turned: object])[] = [
  ['address-dependent mapping', 'port-restricted', { mapping: 'address-dependent' }],
  ['an address-dependent filter', 'port-restricted', { filtering: 'address-dependent' }],
  ['ports counted up', 'port-restricted', { ports: { assignment: 'sequential' } }],
  ['random ports, parity kept', 'port-restricted', { ports: { assignment: 'random', parity: 'preserve' } }],
  ['a preserved port or none', 'port-restricted', { ports: { onConflict: 'refuse' } }],
  ['a second client makes it symmetric', 'port-restricted', { ports: { onConflict: 'turn-symmetric' } }],
  ['low ports become high ones', 'port-restricted', { ports: { keepLowApart: false } }],
  ['two outside addresses, paired', 'port-restricted', { pool: { addresses: 2, pooling: 'paired' } }],
  ['two outside addresses, whichever comes', 'port-restricted', { pool: { addresses: 2, pooling: 'arbitrary' } }],
  ['500 and 4500 by two lines', 'port-restricted', { pool: { addresses: 2, byRemotePort: { 500: 0, 4500: 1 } } }],
  ['hairpins with the inner source', 'full-cone', { hairpinning: 'internal-source' }],
  ['no hairpins', 'full-cone', { hairpinning: false }],
  ['refreshed from inside only', 'linux-masquerade', { refresh: 'outbound' }],
  ['refreshed from outside only', 'linux-masquerade', { refresh: 'inbound' }],
  ['the first fragment alone', 'linux-masquerade', { fragments: 'first-only' }],
  ['no fragments', 'linux-masquerade', { fragments: 'drop' }],
  ['zero checksums computed', 'linux-masquerade', { zeroChecksum: 'computed' }],
  ['zero checksums spoiled', 'linux-masquerade', { zeroChecksum: 'adjusted' }],
  ['500 forgotten sooner', 'full-cone', { timeouts: { byRemotePort: { 500: '40 s' } } }],
  ['4500 forgotten sooner', 'full-cone', { timeouts: { byRemotePort: { 4500: '65 s' } } }],
  ['queries forgotten soon', 'full-cone', { timeouts: { icmp: '17 s' } }],
  ['half-open connections forgotten soon', 'full-cone', { timeouts: { tcpTransitory: '50 s' } }],
  ['a life of 7 s', 'full-cone', { timeouts: { unreplied: '7 s', replied: '7 s' } }],
  ['500 and 4500 pinned for the whole box', 'linux-masquerade', { pinned: { ports: [500, 4500], scope: 'whole-box' } }],
  ['4500 stolen', 'linux-masquerade', { pinned: { ports: [4500], onConflict: 'steal', scope: 'per-server' } }],
  ['500 shared by cookies', 'linux-masquerade', { pinned: { ports: [500], onConflict: 'share-by-cookie' } }],
  ['ESP told apart by SPIs', 'linux-masquerade', { esp: 'by-spi' }],
  ['errors that quote the outside', 'linux-masquerade', { icmpErrors: 'outer-only' }],
  ['no errors', 'linux-masquerade', { icmpErrors: 'dropped' }],
  ['vendor IDs taken out', 'linux-masquerade', { helpers: ['strip-vendor-ids'] }],
  ['notifies taken out', 'linux-masquerade', { helpers: ['strip-nat-detection'] }],
  ['500 blocked', 'linux-masquerade', { blockedUdpPorts: [500] }],
  ['no ESP', 'linux-masquerade', { esp: 'blocked' }],
  ['ESP of one client', 'linux-masquerade', { esp: 'one-client' }],
];

/** Knobs that packets between the two ends of the probe do not show, with the reason. A new knob is turned above, or it stands here. */
const unseen: Partial<Record<keyof NatBehaviour, string>> = {
  refusals: 'the probe does not use up what a box can refuse',
  tcp: 'the probe sends no more than the first segment of a connection, and its server begins none',
  ah: 'the probe speaks no AH, which no NAT lets arrive whole',
  l2tp: 'the probe does not ask for port 1701',
  pptp: 'the probe makes no PPTP calls',
  tableSize: 'to fill a table in front of which others stand would hurt them',
  hostLimit: 'the same',
  whenFull: 'the same',
  whenAddressChanges: 'nothing that the probe does changes a box\'s address',
};

test('every knob of a box is turned here, or it is said why it cannot be seen', () => {
  const turned = new Set([...knobs.flatMap(([, , behaviour]) => Object.keys(behaviour)), ...Object.keys(unseen)]);
  expect(Object.keys(presets[0]!.behaviour).filter((knob) => !turned.has(knob))).toEqual([]);
});

describe.each(knobs)('%s', (_, preset, behaviour) => {
  const topology = vary(homeWith(preset), { nats: { box: { behaviour } } });

  test('is found, and nothing else', async () => {
    const findings = await found(topology);
    expect(disagreements(findings, expectationOf(behaviourIn(topology)), slack)).toEqual([]);
    // and it is seen at all: the plain box is another one
    expect(disagreements(findings, expectationOf(behaviourIn(homeWith(preset))), slack)).not.toEqual([]);
    // and what would show the same can be made of the nearest preset
    const replay = behaviourOf(findings, nearestPreset(findings).behaviour);
    expect(disagreements(findings, expectationOf(replay), seconds(1)).filter(({ measure }) => findings[measure].measured)).toEqual([]);
  });
});

describe('a box that leaves the probe too little', () => {
  test.each([
    ['time: a life of half a second', 'full-cone', { timeouts: { unreplied: '500 ms', replied: '500 ms' } }],
    ['time: a life of 2 s', 'linux-masquerade', { timeouts: { unreplied: '2 s', replied: '2 s' } }],
    ['time: a life of 3 s', 'full-cone', { timeouts: { unreplied: '3 s', replied: '3 s' } }],
    ['room: ten mappings for a host', 'full-cone', { hostLimit: 10 }],
    ['room: twelve mappings in all', 'linux-masquerade', { tableSize: 12, whenFull: 'refuse' }],
  ] as const)('%s: what is found is right, and of the rest it is said why it was not', async (_, preset, behaviour) => {
    const topology = vary(homeWith(preset), { nats: { box: { behaviour } } });
    const findings = await found(topology);
    const otherwise = disagreements(findings, expectationOf(behaviourIn(topology)), slack);
    expect(otherwise.filter(({ measure }) => findings[measure].measured)).toEqual([]);
    expect(otherwise).not.toEqual([]); // these boxes are hard to measure, and that is why they are here
  });
});

test('whether a box puts fragments together or lets them follow the first one cannot be told from outside: both are whole in the end', async () => {
  const follows = vary(homeWith('linux-masquerade'), { nats: { box: { behaviour: { fragments: 'follow' } } } });
  expect(disagreements(await found(follows), expectationOf(behaviourIn(homeWith('linux-masquerade'))), slack)).toEqual([]);
});
