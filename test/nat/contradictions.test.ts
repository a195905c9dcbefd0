/** Knobs that no box can have together. */
import { expect, test } from 'vitest';
import { milliseconds } from '../../src/core/time.ts';
import { contradictions } from '../../src/nat/contradictions.ts';
import type { BehaviourChanges } from '../../src/nat/presets.ts';
import { behaviourOf } from './lab.ts';

const impossible: readonly (readonly [preset: string, changes: BehaviourChanges, knobs: readonly string[]])[] = [
  ['port-restricted', { ports: { range: [2000, 1000] } }, ['ports.range']],
  ['port-restricted', { ports: { range: [1024, 1100], blocks: { size: 512, perHost: 1 } } }, ['ports.blocks.size', 'ports.range']],
  ['pf-static-port', { ports: { blocks: { size: 64, perHost: 1 } } }, ['ports.blocks', 'ports.onConflict']],
  ['pf-static-port', { ports: { assignment: 'random' } }, ['ports.onConflict', 'ports.assignment']],
  ['passthrough-cookie', { pinned: { scope: 'whole-box' } }, ['pinned.scope', 'pinned.onConflict']],
  ['passthrough-500', { pinned: { unknownCookie: 'to-last-speaker' } }, ['pinned.unknownCookie', 'pinned.onConflict']],
  ['linux-masquerade', { timeouts: { unreplied: milliseconds(0) } }, ['timeouts']],
  ['linux-masquerade', { timeouts: { byRemotePort: { 500: milliseconds(0) } } }, ['timeouts']],
  ['split-ports', { pool: { addresses: 1 } }, ['pool.byRemotePort', 'pool.addresses']],
];

test.each(impossible)('%s with %o', (preset, changes, knobs) => {
  expect(contradictions(behaviourOf(preset)), 'without them it can be').toEqual([]);
  const [found, ...others] = contradictions(behaviourOf(preset, changes));
  expect(found?.knobs).toEqual(knobs);
  expect(found?.reason).not.toBe('');
  expect(others).toEqual([]);
});
